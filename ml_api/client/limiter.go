package client

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// limiter bounds the calls in flight. The bound falls by a third when the service shows that it is overloaded (429,
// 5xx, a time-out, an answer close to one) and grows by one a round trip while all of it is used, up to the configured
// maximum. Whoever waited longest goes first.
type limiter struct {
	mu       sync.Mutex
	most     float64
	bound    float64
	inFlight int
	lastCut  time.Time
	queue    list.List // of chan struct{}; closed when its owner may go
}

const cutTo = 2.0 / 3

func newLimiter(most int) *limiter {
	return &limiter{most: float64(most), bound: float64(most)}
}

// acquire takes a place, or returns the context's error.
func (l *limiter) acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.queue.Len() == 0 && l.inFlight < int(l.bound) {
		l.inFlight++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := l.queue.PushBack(turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn: // it came in the meantime, so pass it on
		l.inFlight--
		l.admit()
	default:
		l.queue.Remove(place)
	}
	return ctx.Err()
}

// release gives the place of a call that began at started back. Calls that began before the last cut do not cut again:
// they indicate the same overload.
func (l *limiter) release(started time.Time, overloaded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case overloaded && started.After(l.lastCut):
		l.bound, l.lastCut = max(1, l.bound*cutTo), time.Now()
	case !overloaded && l.inFlight >= int(l.bound):
		l.bound = min(l.most, l.bound+1/l.bound)
	}
	l.inFlight--
	l.admit()
}

// admit lets those at the head of the queue go while there is room.
func (l *limiter) admit() {
	for l.queue.Len() > 0 && l.inFlight < int(l.bound) {
		l.inFlight++
		close(l.queue.Remove(l.queue.Front()).(chan struct{}))
	}
}

func (l *limiter) state() (bound, inFlight int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.bound), l.inFlight
}
