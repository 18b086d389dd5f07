package store

import (
	"context"
	"time"

	"github.com/txflow/txflow/internal/event"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// EventsVersion names the contents of events: it is another one whenever rows came, were changed or deleted.
func (s *Store) EventsVersion(ctx context.Context) (version uint64, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `SELECT sipHash64(arraySort(groupArray(name))) FROM system.parts
WHERE database = currentDatabase() AND table = 'events' AND active`).Scan(&version)
	})
	return version, err
}

// EventRollups calls visit with each roll-up of events, as they are now.
func (s *Store) EventRollups(ctx context.Context, visit func(*event.Rollup) error) error {
	return s.each(ctx, statements.Text("events/rollups"), nil, func(rows driver.Rows) error {
		var r event.Rollup
		var hour, first, last int64 // the driver's own times reach from 1678 to 2262 only
		if err := rows.Scan((*string)(&r.Kind), &r.Account, &r.Type, &r.Context, &hour, &r.Events, &r.Users,
			&r.AverageScore, &r.Excellent, &r.Good, &r.Fair, &r.Poor, &r.Late, &r.Future, &first, &last); err != nil {
			return err
		}
		r.Hour, r.FirstEvent, r.LastEvent = utc(hour), utc(first), utc(last)
		if err := visit(&r); err != nil {
			return err
		}
		return nil
	})
}

func utc(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
