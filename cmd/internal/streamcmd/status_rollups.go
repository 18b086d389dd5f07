package streamcmd

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
)

// publisher is what stream status calls txflow events publish, which is no consumer group.
const publisher = "events publish"

// rollupsEvery is how often it looks at the roll-ups: they change with the publisher's looks, twice a minute.
const rollupsEvery = 10 * time.Second

// rollups looks at the roll-ups of events, once in a while.
type rollups struct {
	at   time.Time
	last *status.Status // nil: there is nothing to say
}

// look is the publisher's status, like that of a group; nil without events, or where ClickHouse or Kafka does not say.
func (r *rollups) look(c *cli.Context, rt *app.Runtime, at *kafka.Status, db *store.Store) *status.Status {
	if time.Since(r.at) < rollupsEvery {
		return r.last
	}
	ctx, cancel := context.WithTimeout(c.Context, askClickHouse)
	defer cancel()
	found, err := readers.LookAtRollups(ctx, at, db)
	if err != nil {
		rt.Log.DebugContext(c.Context, "it is unknown whether roll-ups are up to date", "error", err.Error())
	}
	r.at, r.last = time.Now(), nil
	if err == nil && found.State != analytics.NoEvents {
		r.last = publisherStatus(found)
	}
	return r.last
}

func publisherStatus(r readers.Rollups) *status.Status {
	s := &status.Status{Group: publisher, Topic: events.Analytics, State: string(r.State), Lag: r.Waiting,
		Delay: r.Oldest.Seconds(), Partitions: []status.Partition{}}
	if r.State == analytics.OutOfDate {
		s.Stalled = r.Text + "; " + analytics.Next
	}
	return s
}
