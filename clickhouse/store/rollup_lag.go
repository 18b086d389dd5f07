package store

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
)

// How many rows RollupLag looks at: at first, and at the most in one query. Rows that were stored again may be any
// number, and are in the way of those that wait.
const (
	firstWaiting = 10_000
	mostWaiting  = 1_000_000
)

// RollupLag says how far what EnterEvents does is behind the table events. It goes on until it finds events that wait,
// or has looked at all that were stored since.
func (s *Store) RollupLag(ctx context.Context) (lag event.RollupLag, err error) {
	var now, entered, oldest, afterMS int64
	afterID, afterVersion := uuid.Nil.String(), "0"
	for most := firstWaiting; ; most = min(10*most, mostWaiting) {
		var lookedAt int64
		if err := s.row(ctx, "events/rollup_lag",
			named("most", itoa(most), "after_ms", strconv.FormatInt(afterMS, 10), "after_id", afterID, "after_version",
				afterVersion),
			&now, &entered, &lag.Waiting, &oldest, &lookedAt, &afterMS, &afterID, &afterVersion); err != nil {
			return lag, err
		}
		if lag.Waiting > 0 || lookedAt < int64(most) {
			break
		}
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
