package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/stream/status"
)

// Recovery gives a table whose consumer hangs a new one, and gives up where that does not help. A table that reads and
// can not store is only reported: ClickHouse tries again by itself, and goes on once the cause is gone.
type Recovery struct {
	Reattach func(ctx context.Context, table string) error
	Log      *slog.Logger
	Limit    time.Duration // that Readers has: so long a new consumer may take to progress, twice
	Deadline time.Duration // of one try

	tables map[string]*attempts
	now    func() time.Time // time.Now where it is nil
}

// attempts are what was done about a table that does not progress.
type attempts struct {
	cause status.Cause
	tries int
	next  time.Time // the next try is not before
}

// maxTries is how often a consumer that hangs is replaced.
const maxTries = 3

// Act is for Readers.Run. The error has exit code 75: a consumer hangs that could not be replaced, and only a new
// engine can help.
func (r *Recovery) Act(ctx context.Context, seen Seen, v status.Verdict) error {
	table := seen.Reader.Table
	a := r.tables[table]
	switch {
	case v.Cause == status.Progresses && a == nil:
		return nil
	case v.Cause == status.Progresses:
		delete(r.tables, table)
		r.Log.InfoContext(ctx, "ClickHouse's Kafka table progresses again", "table", table)
		return nil
	case a == nil:
		a = r.begin(table, v.Cause)
		r.Log.ErrorContext(ctx, "ClickHouse's Kafka table does not progress", "table", table, "why", v.Text)
	case a.cause != v.Cause:
		a = r.begin(table, v.Cause)
	}
	if v.Cause == status.Fails || r.clock().Before(a.next) {
		return nil
	}
	if v.Cause == status.Hangs && a.tries >= maxTries {
		return giveUp(errors.New(v.Text))
	}
	a.tries++
	a.next = r.clock().Add(2 * r.Limit)
	r.Log.WarnContext(ctx, "ClickHouse's Kafka table gets a new consumer", "table", table, "try", a.tries)
	return r.replace(ctx, table, v)
}

func (r *Recovery) begin(table string, cause status.Cause) *attempts {
	if r.tables == nil {
		r.tables = map[string]*attempts{}
	}
	a := &attempts{cause: cause}
	if cause == status.Detached {
		a.next = r.clock().Add(r.Limit) // whoever detached it may be about to attach it
	}
	r.tables[table] = a
	return a
}

func (r *Recovery) replace(ctx context.Context, table string, v status.Verdict) error {
	tryCtx, cancel := context.WithTimeout(ctx, r.Deadline)
	defer cancel()
	err := r.Reattach(tryCtx, table)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case tryCtx.Err() != nil && v.Cause == status.Hangs: // it hangs while it is detached, too
		return giveUp(fmt.Errorf("%s; replacing its consumer did not end in %s: %w", v.Text, r.Deadline, err))
	}
	r.Log.ErrorContext(ctx, "ClickHouse's Kafka table got no new consumer, trying again", "table", table, "error",
		err.Error())
	return nil
}

func giveUp(why error) error {
	return fault.WithHint(fault.Failf(fault.ExitTryAgain, "ClickHouse's engine hangs: %w", why),
		"start txflow platform again: nothing is lost, and it goes on where it was")
}

func (r *Recovery) clock() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}
