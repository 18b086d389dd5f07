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

	"github.com/txflow/txflow/internal/display"
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
	if _, err := b.startMember(ctx, refineMember, 0); err != nil {
		return nil, err
	}
	_, url, err := b.serveCollector(ctx)
	if err != nil {
		return nil, err
	}
	for i, rate := range []int{100, 1000, 2500, 5000} { // the first one only warms everything up
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

func refineMember(addr, instance string) []string {
	return []string{"stream", "refine", "--watch-addr", addr, "--instance", instance}
}

// goldDelay is the time from a package's answer until a query sees all of its rows in events.
func (b *bencher) goldDelay(ctx context.Context, url string, rate int) (d delay, err error) {
	d.rate, d.messages = rate, rate*delaySeconds
	packages := bodies(delayPackage, d.messages/delayPackage, uint64(1_000_000+rate))
	s := &sendings{all: make([]sending, len(packages)), byID: map[string]int{}}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(ctx, url, packages, float64(rate)/delayPackage, s) }()
	var wait advance
	for seen := 0; seen < len(packages); {
		if err := wait.at("packages that ClickHouse shows", seen); err != nil {
			return d, err
		}
		select {
		case err := <-sent:
			if err != nil {
				return d, err
			}
		case <-time.After(lookEvery):
		}
		// Only what may be new is read: to look at all rows each time took as much of the processors as the pipeline.
		text, err := b.query(ctx, fmt.Sprintf("SELECT toString(correlation_id) FROM events WHERE inserted_at >= "+
			"fromUnixTimestamp64Milli(toInt64(%d), 'UTC') GROUP BY correlation_id HAVING uniqExact(event_id) = %d",
			s.oldest().UnixMilli(), delayPackage))
		if err != nil {
			return d, err
		}
		seen += s.see(strings.Fields(text), time.Now())
	}
	times := s.delays()
	if len(times) < len(packages) {
		return d, fmt.Errorf("of %d packages %d were seen that were answered", len(packages), len(times))
	}
	slices.Sort(times)
	d.p50, d.p99, d.max = times[len(times)/2], times[len(times)*99/100], times[len(times)-1]
	return d, nil
}

// sending is one package: when it was sent, answered, and seen in ClickHouse; zero: not yet.
type sending struct{ begun, answered, seen time.Time }

// sendings are all packages, by their places and by their correlation ids.
type sendings struct {
	mu    sync.Mutex
	all   []sending
	byID  map[string]int
	first int // those before it are seen
}

func (s *sendings) begin(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[i].begun = time.Now()
}

func (s *sendings) answer(i int, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[i].answered, s.byID[id] = time.Now(), i
}

// oldest is when the first of the packages was sent that are not seen: their rows came in later.
func (s *sendings) oldest() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.first < len(s.all) && !s.all[s.first].seen.IsZero() {
		s.first++
	}
	at := time.Now()
	for i := s.first; i < len(s.all); i++ {
		if p := &s.all[i]; p.seen.IsZero() && !p.begun.IsZero() && p.begun.Before(at) {
			at = p.begun
		}
	}
	return at
}

// see notes which packages are there, and returns how many are new of those that are answered. The others are looked
// for again.
func (s *sendings) see(ids []string, at time.Time) (fresh int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if i, ok := s.byID[id]; ok && s.all[i].seen.IsZero() {
			s.all[i].seen = at
			fresh++
		}
	}
	return fresh
}

func (s *sendings) delays() (times []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.all {
		if !p.seen.IsZero() {
			times = append(times, max(p.seen.Sub(p.answered), 0))
		}
	}
	return times
}

// sendAll sends each package once, so many a second.
func sendAll(ctx context.Context, url string, packages [][]byte, rate float64, s *sendings) error {
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
					s.begin(i)
					body, err = to.post(packages[i], true)
				}
				var answer struct {
					CorrelationID string `json:"correlation_id"`
				}
				if err = firstOf(err, json.Unmarshal(body, &answer)); err != nil {
					errs <- err
					return
				}
				s.answer(i, answer.CorrelationID)
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
		fmt.Fprintf(&b, "| %s | %d s | %d ms | %d ms | %d ms |\n", display.Thousands(int64(d.rate)), delaySeconds,
			d.p50.Milliseconds(), d.p99.Milliseconds(), d.max.Milliseconds())
	}
	return b.String()
}
