package store

import (
	"context"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// MostWaiting is how many events RollupLag looks at.
const MostWaiting = 10_000

// RollupLag says how far what EnterEvents does is behind the table events.
func (s *Store) RollupLag(ctx context.Context) (lag event.RollupLag, err error) {
	var now, entered, oldest int64
	if err := s.row(ctx, "events/rollup_lag", named("most", itoa(MostWaiting)), &now, &entered, &lag.Waiting,
		&oldest); err != nil {
		return lag, err
	}
	age := func(at int64) time.Duration { return max(time.Duration(now-at)*time.Microsecond, 0) }
	if entered > 0 {
		lag.Entered, lag.Age = utc(entered), age(entered)
	}
	if lag.Waiting > 0 {
		lag.Oldest = age(oldest)
	}
	return lag, nil
}
