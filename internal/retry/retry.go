// Package retry is the one policy for what is tried again: a wait that doubles up to a cap, with jitter. Whether an
// error is transient is decided by internal/fault and by the adapter that saw it.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how long to wait before another attempt.
type Policy struct {
	First   time.Duration // the longest wait after the first failure
	Longest time.Duration // no wait is longer
}

// Delay is the wait after a number of failures, counted from 1: First doubled after each, at most Longest, and of that
// a random part between the half and all, so that clients that failed together do not try again together.
func (p Policy) Delay(failures int) time.Duration { return p.delay(failures, rand.Float64()) }

// delay takes the random part as a number from 0 to below 1.
func (p Policy) delay(failures int, random float64) time.Duration {
	most := p.First
	for i := 1; i < failures && most < p.Longest; i++ {
		most *= 2
	}
	most = min(most, p.Longest)
	return most/2 + time.Duration(random*float64(most-most/2))
}

// Wait returns after d, or with the context's error as soon as that ends.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
