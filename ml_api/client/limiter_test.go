package client

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLimiterNeverExceedsItsBound(t *testing.T) {
	t.Parallel()
	l := newLimiter(4)
	var now, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx := t.Context()
			if i%10 == 0 {
				short, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				ctx = short
			}
			if l.acquire(ctx) != nil {
				return
			}
			started := time.Now()
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			now.Add(-1)
			l.release(started, i%7 == 0)
		})
	}
	wg.Wait()
	if bound, inFlight := l.state(); inFlight != 0 || bound < 1 || most.Load() > 4 || l.queue.Len() != 0 {
		t.Errorf("bound %d, in flight %d, most %d, queue %d", bound, inFlight, most.Load(), l.queue.Len())
	}
}

func TestLimiterFallsAndRecovers(t *testing.T) {
	t.Parallel()
	l := newLimiter(12)
	call := func(overloaded bool) {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.release(time.Now(), overloaded)
	}
	call(true)
	if bound, _ := l.state(); bound != 8 {
		t.Fatalf("one overload leaves %d of 12", bound)
	}
	before := time.Now().Add(-time.Second)
	_ = l.acquire(t.Context())
	l.release(before, true) // it began before the cut
	if bound, _ := l.state(); bound != 8 {
		t.Fatalf("a call of the same overload cut again, to %d", bound)
	}
	for range 20 {
		call(true)
	}
	if bound, _ := l.state(); bound != 1 {
		t.Fatalf("a long overload leaves %d", bound)
	}
	for range 1000 { // one at a time uses all of a bound of 1, but not all of 2
		call(false)
	}
	if bound, _ := l.state(); bound != 2 {
		t.Fatalf("calls one by one raise the bound to %d", bound)
	}
}

func TestLimiterHandsATurnOn(t *testing.T) {
	t.Parallel()
	l := newLimiter(1)
	_ = l.acquire(t.Context())
	if err := l.acquire(ended(t)); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	l.release(time.Now(), false)
	if err := l.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
}
