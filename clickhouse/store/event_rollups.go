package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/txflow/txflow/internal/event"
)

// rollupKinds are the roll-ups by what they go by: the columns that say so, and the same as they are selected. Each is
// kept by a projection of event_entries.
var rollupKinds = []struct {
	kind             event.RollupKind
	columns, selects string
}{
	{event.RollupHour, "account, type, context, hour", "account, toString(type), toString(context), hour"},
	{event.RollupAccount, "account", "account, '', '', toInt64(0)"},
	{event.RollupType, "type, context", "'', toString(type), toString(context), toInt64(0)"},
}

// rollupSums has times in microseconds since 1970: the driver's own reach from 1678 to 2262 only.
const rollupSums = `count(), uniqExact(user), toDecimalString(toDecimal64(avg(score), 6), 4), countIf(score >= 0.9),
    countIf(score >= 0.7 AND score < 0.9), countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late),
    countIf(future), toUnixTimestamp64Micro(min(at)), toUnixTimestamp64Micro(max(at))`

// EventRollups calls visit with each roll-up that a look found changed: as event_entries has it now.
func (s *Store) EventRollups(ctx context.Context, look event.RollupLook, visit func(*event.Rollup) error) error {
	for _, k := range rollupKinds {
		query := `SELECT ` + k.selects + `, ` + rollupSums + ` FROM event_entries`
		if !look.All {
			query += ` WHERE (` + k.columns + `) IN (SELECT DISTINCT ` + k.columns +
				` FROM event_entries WHERE entered_at = ` + literalTime(look.At.UnixMicro()) + `)`
		}
		query += ` GROUP BY ` + k.columns + ` SETTINGS max_bytes_before_external_group_by = 268435456`
		err := s.each(ctx, query, nil, func(rows driver.Rows) error {
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
