// Package readers are ClickHouse's Kafka tables: which there are, how far each has read, and whether one is stalled.
package readers

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/watch"
)

// The groups of ClickHouse's Kafka tables.
const (
	Classified        = "txflow-clickhouse-classified"
	DeadLetters       = "txflow-clickhouse-dead-letters"
	EventsRaw         = "txflow-clickhouse-events-raw"
	EventsSilver      = "txflow-clickhouse-events-silver"
	EventsDeadLetters = "txflow-clickhouse-events-dead-letters"
)

// Reader is a Kafka table with its consumer group and the topic that it reads.
type Reader struct {
	Table, Group, Topic string
	// since is the migration of the stream that made it, 0 where every release had it. The topics of those that came
	// later need not be there.
	since int
}

// All are those that txflow migrate --stream makes.
var All = []Reader{
	{"kafka_classified", Classified, topics.Classified, 0},
	{"kafka_dead_letters", DeadLetters, topics.DeadLetters, 0},
	{"kafka_events_raw", EventsRaw, events.Raw, 23},
	{"kafka_events_silver", EventsSilver, events.Silver, 28},
	{"kafka_events_dead_letters", EventsDeadLetters, events.DeadLetters, 31},
}

// StalledFlag is after which time a table counts as stalled.
var StalledFlag = &cli.DurationFlag{Name: "stalled-after", Value: status.DefaultStalled,
	EnvVars: []string{"TXFLOW_STALLED_AFTER"}, Action: app.TimeFrom("stalled-after", time.Millisecond),
	Usage: "report a Kafka table as stalled that stores nothing for `TIME` although messages wait"}

// Found is a Kafka table as ClickHouse has it.
type Found struct {
	Reader
	State status.Reader
}

// Tables asks ClickHouse for the Kafka tables that its migrations made; none where it has none of the
// stream's.
func Tables(ctx context.Context, db *store.Store) ([]Found, error) {
	set, err := schema.Stream()
	if err != nil {
		return nil, err
	}
	applied, err := db.Applied(ctx, set.Name)
	if err != nil || len(applied) == 0 {
		return nil, err
	}
	tables, err := db.KafkaTables(ctx)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, want := range All {
		if _, made := applied[want.since]; !made && want.since > 0 {
			continue
		}
		r := Found{want, status.Reader{Table: want.Table, Missing: true}}
		if at := slices.IndexFunc(tables, func(t store.KafkaTable) bool { return t.Name == want.Table }); at >= 0 {
			t := &tables[at]
			r.State = status.Reader{Table: t.Name, Consumers: t.Consumers, Uptime: t.Uptime, Polled: t.Polled,
				Committed: t.Committed, Failed: t.Failed, Error: t.Error}
		}
		found = append(found, r)
	}
	return found, nil
}

// See looks at ClickHouse's Kafka tables and their groups. A table whose topic is not there yet waits for it.
func See(ctx context.Context, at *kafka.Status, db *store.Store) ([]watch.Seen, error) {
	found, err := Tables(ctx, db)
	if err != nil {
		return nil, err
	}
	var seen []watch.Seen
	for _, r := range found {
		look, err := at.Look(ctx, r.Group, r.Topic)
		if errors.Is(err, status.ErrNoTopic) && r.since > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen = append(seen, watch.Seen{Look: look, Reader: r.State})
	}
	return seen, nil
}

// Follow makes what follows ClickHouse's Kafka tables, with a registry of its metrics.
func Follow(limit time.Duration, at *kafka.Status, db *store.Store) (*watch.Readers, *prometheus.Registry) {
	readers := watch.NewReaders(limit, func(ctx context.Context) ([]watch.Seen, error) { return See(ctx, at, db) })
	registry := prometheus.NewRegistry()
	registry.MustRegister(readers)
	return readers, registry
}
