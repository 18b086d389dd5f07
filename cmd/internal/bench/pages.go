package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
)

const (
	pageTimes = 9 // times that a page is asked for; the median counts
	pageAim   = 300 * time.Millisecond
)

// pageTime is how long a page took.
type pageTime struct {
	name, path           string
	first, median, worst time.Duration
}

// pagesBench measures the pages of txflow ui over many stored rows, those of a run, and those of the search.
func pagesBench(ctx context.Context, o options, b *bencher) (string, error) {
	if err := b.startServices(ctx); err != nil {
		return "", err
	}
	if err := b.freshDatabase(ctx, "bench_pages"); err != nil {
		return "", err
	}
	say("storing %s rows", display.Thousands(int64(o.stored)))
	if err := b.store(ctx, 0, o.stored); err != nil {
		return "", err
	}
	if err := b.rebuildTotals(ctx); err != nil {
		return "", err
	}
	file, err := b.file(ctx, growthRows)
	if err != nil {
		return "", err
	}
	if _, err := b.time(ctx, "run", "--run-id", "bench-run", "--source", "bench", file); err != nil {
		return "", err
	}
	if err := b.settle(ctx); err != nil {
		return "", err
	}
	id, err := b.query(ctx, "SELECT id FROM transactions WHERE run_id = 'bench-run' LIMIT 1")
	if err != nil {
		return "", err
	}
	_, page, err := b.serve(ctx, "/healthz", func(addr string) []string {
		return []string{"ui", "--addr", addr, "--kafka-brokers", "", "--jaeger-url", ""}
	})
	if err != nil {
		return "", err
	}
	pages := []pageTime{
		{name: "overview", path: "/"},
		{name: "runs", path: "/runs"},
		{name: "one run", path: "/runs/bench-run"},
		{name: "rows of a run", path: "/runs/bench-run/rows"},
		{name: "transactions, the last", path: "/transactions"},
		{name: "transactions of a category", path: "/transactions?category=Food"},
		{name: "transactions of a merchant", path: "/transactions?merchant=" + url.QueryEscape("Merchant 7")},
		{name: "transactions of a month and a category", path: "/transactions?category=Rent&month=2023-05"},
		{name: "transactions that no filter fits", path: "/transactions?merchant=nobody"},
		{name: "search by the id of the source", path: "/transactions?q=7654321"},
		{name: "one transaction", path: "/transactions/" + id},
		{name: "dead letters", path: "/dead-letters"},
		{name: "events", path: "/events"},
	}
	for i := range pages {
		say("asking for %s", pages[i].path)
		if err := pages[i].measure(ctx, page); err != nil {
			return "", err
		}
	}
	return pagesText(o.stored, pages), nil
}

// rebuildTotals has the totals by day count the rows that were stored as if they had come a month ago.
func (b *bencher) rebuildTotals(ctx context.Context) error {
	say("adding up the totals by day")
	for _, sql := range []string{"TRUNCATE TABLE category_entries", "SYSTEM REFRESH VIEW category_entries_refresh",
		"SYSTEM WAIT VIEW category_entries_refresh"} {
		if _, err := b.query(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// measure asks for a page until it is answered pageTimes more times after the first.
func (p *pageTime) measure(ctx context.Context, address string) error {
	var took []time.Duration
	for range 1 + pageTimes {
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+p.path, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close() // it is read
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", p.path, resp.Status)
		}
		took = append(took, time.Since(start))
	}
	p.first, took = took[0], took[1:]
	slices.Sort(took)
	p.median, p.worst = took[len(took)/2], took[len(took)-1]
	return nil
}

func pagesText(stored int, pages []pageTime) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<!-- Written by make bench; do not edit. -->
# Performance of the page

Measured on %s. %s transactions are stored, with their ledger; ClickHouse and `+"`txflow ui`"+
		` share the processors. Each page was
asked for once, and then %d times: that is what the median and the longest are of. The aim is %d ms.

| page | first | median | longest | median, of the aim |
| --- | ---: | ---: | ---: | ---: |
`, thisMachine(), display.Thousands(int64(stored)), pageTimes, pageAim.Milliseconds())
	for _, p := range pages {
		fmt.Fprintf(&b, "| %s | %d ms | %d ms | %d ms | %.2f |\n", p.name, p.first.Milliseconds(), p.median.Milliseconds(),
			p.worst.Milliseconds(), p.median.Seconds()/pageAim.Seconds())
	}
	return b.String()
}
