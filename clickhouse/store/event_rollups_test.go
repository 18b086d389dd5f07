package store_test

import (
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/sqlfile/sqltest"
)

// The driver's own times reach from 1678 to 2262 only; those of senders do not.
func TestRollupsOfAnyYear(t *testing.T) {
	t.Parallel()
	db := open(t)
	sqltest.Fill(t, db.url)
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	look, err := db.EnterEvents(t.Context(), event.RollupLook{})
	must(t, err)
	must(t, db.EventRollups(t.Context(), look, func(r *event.Rollup) error {
		if r.Account != "other" {
			return nil
		}
		if !r.FirstEvent.Equal(last) || !r.LastEvent.Equal(last) ||
			r.Kind == event.RollupHour && !r.Hour.Equal(last.Truncate(time.Hour)) {
			t.Errorf("by %s: hour %s, from %s to %s, want %s", r.Kind, r.Hour, r.FirstEvent, r.LastEvent, last)
		}
		return nil
	}))
}
