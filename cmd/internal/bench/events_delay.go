package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	pace "golang.org/x/time/rate"

	"github.com/txflow/txflow/cmd/internal/progress"
)

// delayPackage is how many events a package has whose way to ClickHouse is measured.
const delayPackage = 10

// goldDelays measures the whole pipeline: collector, refine and ClickHouse run as they do when nothing is set.
func (b *bencher) goldDelays(ctx context.Context) (all []delay, err error) {
	say("starting ClickHouse's engine")
	first := len(b.services)
	defer func() { // they would take processors from what is measured next
		for _, s := range slices.Backward(b.services[first:]) {
			_, endErr := s.end()
			err = errors.Join(err, endErr)
		}
	}()
	if err := b.startClickHouse(ctx); err != nil {
		return nil, err
	}
	b.database = "txflow"
	if _, err := b.time(ctx, "migrate", "--stream"); err != nil {
		return nil, err
	}
	if _, err := b.startMember(ctx, refineMember); err != nil {
		return nil, err
	}
	_, url, err := b.serveCollector(ctx)
	if err != nil {
		return nil, err
	}
	for i, rate := range []int{100, 1000, 5000} { // the first one only warms everything up
		d, err := b.goldDelay(ctx, url, rate)
		if err != nil {
			return nil, err
		}
		say("at %d events a second: p50 %s, p99 %s, max %s from answer to row", rate, d.p50, d.p99, d.max)
		if i > 0 {
			all = append(all, d)
		}
	}
	return all, nil
}

func refineMember(addr string) []string {
	return []string{"stream", "refine", "--watch-addr", addr, "--instance", "bench"}
}

// goldDelay is the time from a package's answer until a query sees all of its rows in events.
func (b *bencher) goldDelay(ctx context.Context, url string, rate int) (d delay, err error) {
	d.rate, d.messages = rate, rate*delaySeconds
	packages := bodies(delayPackage, d.messages/delayPackage, uint64(1_000_000+rate)) //nolint:gosec // it is positive
	answered, seen := sync.Map{}, map[string]time.Time{}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(ctx, url, packages, float64(rate)/delayPackage, &answered) }()
	since := time.Now()
	var wait advance
	for len(seen) < len(packages) {
		if err := wait.at("packages that ClickHouse shows", len(seen)); err != nil {
			return d, err
		}
		select {
		case err := <-sent:
			if err != nil {
				return d, err
			}
		case <-time.After(lookEvery):
		}
		text, err := b.query(ctx, fmt.Sprintf("SELECT toString(correlation_id) FROM events WHERE inserted_at >= "+
			"fromUnixTimestamp64Milli(toInt64(%d), 'UTC') GROUP BY correlation_id HAVING uniqExact(event_id) = %d",
			since.UnixMilli(), delayPackage))
		if err != nil {
			return d, err
		}
		now := time.Now()
		for _, id := range strings.Fields(text) {
			if _, known := seen[id]; !known {
				seen[id] = now
			}
		}
	}
	var times []time.Duration
	for id, at := range seen {
		if answer, ok := answered.Load(id); ok {
			times = append(times, max(at.Sub(answer.(time.Time)), 0)) //nolint:forcetypeassert // sendAll stores them
		}
	}
	if len(times) < len(packages) {
		return d, fmt.Errorf("of %d packages %d were seen that were answered", len(packages), len(times))
	}
	slices.Sort(times)
	d.p50, d.p99, d.max = times[len(times)/2], times[len(times)*99/100], times[len(times)-1]
	return d, nil
}

// sendAll sends each package once, so many a second, and notes when each was answered by its correlation id.
func sendAll(ctx context.Context, url string, packages [][]byte, rate float64, answered *sync.Map) error {
	const connections = 16
	limiter := pace.NewLimiter(pace.Limit(rate), 1)
	errs := make(chan error, connections)
	for w := range connections {
		go func() {
			to := newSender(url)
			defer to.close()
			for i := w; i < len(packages); i += connections {
				err := limiter.Wait(ctx)
				var body []byte
				if err == nil {
					body, err = to.post(packages[i], true)
				}
				var answer struct {
					CorrelationID string `json:"correlation_id"`
				}
				if err = firstOf(err, json.Unmarshal(body, &answer)); err != nil {
					errs <- err
					return
				}
				answered.Store(answer.CorrelationID, time.Now())
			}
			errs <- nil
		}()
	}
	var err error
	for range connections {
		err = errors.Join(err, <-errs)
	}
	return err
}

func delaysMarkdown(all []delay) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
## From the collector's answer to a row that a query sees in ClickHouse

Packages of %d events go through the collector, refine and ClickHouse's Kafka tables, all on these processors with the
settings that txflow ships. ClickHouse is asked every %s which packages have all their rows in `+"`events`"+`.

| events/s | for | p50 | p99 | slowest |
| ---: | ---: | ---: | ---: | ---: |
`, delayPackage, lookEvery)
	for _, d := range all {
		fmt.Fprintf(&b, "| %s | %d s | %d ms | %d ms | %d ms |\n", progress.Thousands(int64(d.rate)), delaySeconds,
			d.p50.Milliseconds(), d.p99.Milliseconds(), d.max.Milliseconds())
	}
	return b.String()
}
