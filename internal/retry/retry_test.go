package retry

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestDelayDoublesUpToItsCap(t *testing.T) {
	t.Parallel()
	p := Policy{First: 100 * time.Millisecond, Longest: 5 * time.Second}
	for failures := range 80 {
		most := min(p.First<<min(max(failures-1, 0), 10), p.Longest)
		if got := p.delay(failures, 0); got != most/2 {
			t.Errorf("after %d failures the shortest wait is %s, want %s", failures, got, most/2)
		}
		if got := p.delay(failures, math.Nextafter(1, 0)); got > most || got < most*99/100 {
			t.Errorf("after %d failures the longest wait is %s, want nearly %s", failures, got, most)
		}
		if got := p.Delay(failures); got < most/2 || got > most {
			t.Errorf("after %d failures it waits %s, outside %s to %s", failures, got, most/2, most)
		}
	}
	if got := (Policy{First: time.Hour, Longest: 1000 * time.Hour}).delay(1<<40, 0); got != 500*time.Hour {
		t.Errorf("a long first wait overflows: %s", got)
	}
	if got := (Policy{}).Delay(3); got != 0 {
		t.Errorf("an empty policy waits %s", got)
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-1": 0, "1.5": 0, "soon": 0,
		"99999999999999999999": time.Hour, "3601": time.Hour, "2147483647": time.Hour,
		"Tue, 12 Mar 2024 10:00:30 GMT": time.Hour, "Tue, 05 Mar 2024 10:00:30 GMT": 30 * time.Second,
		"Tue, 05 Mar 2024 09:00:00 GMT": 0, "Tuesday, 05-Mar-24 10:01:00 GMT": time.Minute,
	} {
		if got := After(value, now, time.Hour); got != want {
			t.Errorf("Retry-After: %q is %s, want %s", value, got, want)
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := Wait(t.Context(), 0); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestNoticeIsDueAtOnceAndThenSeldom is asked by many at once, of whom one is to write the line.
func TestNoticeIsDueAtOnceAndThenSeldom(t *testing.T) {
	t.Parallel()
	var n Notice
	var due atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if n.Due(time.Hour) {
				due.Add(1)
			}
		})
	}
	all.Wait()
	if due.Load() != 1 || n.Due(time.Hour) || !n.Due(0) {
		t.Errorf("%d of ten that wait write a line", due.Load())
	}
}
