package ui

import (
	"context"
	"sync"
	"time"
)

// snapshot keeps the last result of a query that is too slow to run while a page waits. Nothing runs while nobody
// looks. A page gets the last result at once, with its age; where it is old, a new one is fetched meanwhile, once, and
// waited for a little.
type snapshot[T any] struct {
	load  func(context.Context) (T, error)
	start func(func(context.Context)) // runs something in the background, as long as the server lives

	mu      sync.Mutex
	value   T
	err     error
	at      time.Time // when the value was read; zero for none
	took    time.Duration
	running chan struct{} // closed when the fetch that runs ends; nil where none does
}

// Bounds of how old a result may be and how long a page waits for a new one.
const (
	freshFor  = 5 * time.Second
	costShare = 20 // a result is fresh for this many times as long as it took: fetching takes 5 % of the time at most
	patience  = 150 * time.Millisecond
	oldAfter  = time.Minute
	oldWait   = time.Second     // for a result that takes the place of an old one
	firstWait = 5 * time.Second // for the first result
)

// result is a value with its age. Err says why there is no newer one.
type result[T any] struct {
	Value T
	At    time.Time
	Err   error
}

// Known reports whether there is a value at all.
func (r *result[T]) Known() bool { return !r.At.IsZero() }

// get returns the last result. A fetch goes on when the page that asked for it is gone.
func (s *snapshot[T]) get(ctx context.Context) result[T] {
	s.mu.Lock()
	fresh := s.err == nil && !s.at.IsZero() && time.Since(s.at) < max(freshFor, costShare*s.took)
	if !fresh && s.running == nil {
		s.running = make(chan struct{})
		s.start(s.fetch)
	}
	running, wait := s.running, patience
	switch {
	case s.err != nil: // the next fetch may fail as slowly as the last: no page waits for it
	case s.at.IsZero():
		wait = firstWait
	case time.Since(s.at) > oldAfter:
		wait = oldWait
	}
	s.mu.Unlock()
	if !fresh && running != nil {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-running:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return result[T]{s.value, s.at, s.err}
}

func (s *snapshot[T]) fetch(ctx context.Context) {
	started := time.Now()
	value, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		s.value, s.at, s.took = value, time.Now(), time.Since(started)
	}
	close(s.running)
	s.running = nil
}
