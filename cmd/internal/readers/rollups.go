package readers

import (
	"context"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/kafka"
)

// Rollups is how far events.analytics is behind the table events.
type Rollups struct {
	event.RollupLag
	State analytics.State
	Text  string // the same for people
}

// clockSkew is by how much the clocks of ClickHouse and Kafka may differ.
const clockSkew = time.Minute

// LookAtRollups asks ClickHouse, and Kafka, whether events.analytics is up to date.
func LookAtRollups(ctx context.Context, at *kafka.Status, db *store.Store) (r Rollups, err error) {
	if r.RollupLag, err = db.RollupLag(ctx); err != nil {
		return r, err
	}
	published := true
	if r.Age > analytics.Old {
		if published, err = at.WrittenSince(ctx, events.Analytics, r.Entered.Add(-clockSkew)); err != nil {
			return r, err
		}
	}
	r.State, r.Text = analytics.Judge(r.RollupLag, published)
	return r, nil
}
