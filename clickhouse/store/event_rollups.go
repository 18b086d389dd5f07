package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/txflow/txflow/internal/event"
)

// rollupKinds are the statements of roll-ups by what they go by. Each kind is kept by a projection of event_entries.
var rollupKinds = []struct {
	kind event.RollupKind
	name string
}{
	{event.RollupHour, "event_entries/by_hour"},
	{event.RollupAccount, "event_entries/by_account"},
	{event.RollupType, "event_entries/by_type"},
}

// EventRollups calls visit with each roll-up that a look found changed: as event_entries has it now.
func (s *Store) EventRollups(ctx context.Context, look event.RollupLook, visit func(*event.Rollup) error) error {
	args := named("look", micros(look.At), "all", zeroOne(look.All))
	for _, k := range rollupKinds {
		err := s.each(ctx, statements.Text(k.name), args, func(rows driver.Rows) error {
			r := event.Rollup{Kind: k.kind}
			var hour, first, last int64
			if err := rows.Scan(&r.Account, &r.Type, &r.Context, &hour, &r.Events, &r.Users, &r.AverageScore, &r.Excellent,
				&r.Good, &r.Fair, &r.Poor, &r.Late, &r.Future, &first, &last); err != nil {
				return err
			}
			r.Hour, r.FirstEvent, r.LastEvent = utc(hour), utc(first), utc(last)
			return visit(&r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func utc(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
