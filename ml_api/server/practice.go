package server

import (
	"context"
	"math/rand/v2"
	"time"
)

// trial is what one request meets.
type trial struct {
	delay                    time.Duration
	fail, throttle, truncate bool
}

// draw decides what the n-th request meets.
func (p *Practice) draw(n uint64) trial {
	if *p == (Practice{RetryAfter: p.RetryAfter}) {
		return trial{}
	}
	r := rand.New(rand.NewPCG(p.Seed, n)) // repeatable on purpose
	t := trial{delay: p.Latency, fail: r.Float64() < p.ErrorRate, throttle: r.Float64() < p.ThrottleRate,
		truncate: r.Float64() < p.ShortRate}
	if p.Jitter > 0 {
		t.delay += time.Duration(r.Int64N(int64(p.Jitter) + 1))
	}
	return t
}

// sleep waits, or returns false when the caller disconnected.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
