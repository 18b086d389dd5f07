package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/fault"

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
	classifiedReader        = "txflow-clickhouse-classified"
	deadLettersReader       = "txflow-clickhouse-dead-letters"
	eventsRawReader         = "txflow-clickhouse-events-raw"
	eventsSilverReader      = "txflow-clickhouse-events-silver"
	eventsDeadLettersReader = "txflow-clickhouse-events-dead-letters"
)

// clickHouseReader is a Kafka table with what it reads, and the migration of the stream that first made it: 0 where
// every
// release had it. The topics of those that came later need not be there.
type clickHouseReader struct {
	table, group, topic string
	since               int
}

var clickHouseReaders = []clickHouseReader{
	{"kafka_classified", classifiedReader, topics.Classified, 0},
	{"kafka_dead_letters", deadLettersReader, topics.DeadLetters, 0},
	{"kafka_events_raw", eventsRawReader, events.Raw, 23},
	{"kafka_events_silver", eventsSilverReader, events.Silver, 28},
	{"kafka_events_dead_letters", eventsDeadLettersReader, events.DeadLetters, 31},
}

var stalledFlag = &cli.DurationFlag{Name: "stalled-after", Value: status.DefaultStalled,
	EnvVars: []string{"TXFLOW_STALLED_AFTER"},
	Usage:   "report a Kafka table as stalled that stores nothing for `TIME` although messages wait"}

// positive refuses a time of no length.
func positive(c *cli.Context, name string) error {
	if d := c.Duration(name); d <= 0 {
		return fault.Failf(fault.ExitUsage, "--%s is %s: it must be more than 0", name, d)
	}
	return nil
}

// reading is a Kafka table as ClickHouse has it.
type reading struct {
	clickHouseReader
	status.Reader
}

// readerTables asks ClickHouse for the Kafka tables that its migrations made; none where the stream's tables were
// never made.
func readerTables(ctx context.Context, db *store.Store) ([]reading, error) {
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
	var found []reading
	for _, want := range clickHouseReaders {
		if _, made := applied[want.since]; !made && want.since > 0 {
			continue
		}
		r := reading{want, status.Reader{Table: want.table, Missing: true}}
		if at := slices.IndexFunc(tables, func(t store.KafkaTable) bool { return t.Name == want.table }); at >= 0 {
			t := &tables[at]
			r.Reader = status.Reader{Table: t.Name, Consumers: t.Consumers, Uptime: t.Uptime, Polled: t.Polled,
				Committed: t.Committed, Failed: t.Failed, Error: t.Error}
		}
		found = append(found, r)
	}
	return found, nil
}

// seeReaders looks at ClickHouse's Kafka tables and their groups. A table whose topic is not there yet waits for it.
func seeReaders(ctx context.Context, at *kafka.Status, db *store.Store) ([]watch.Seen, error) {
	found, err := readerTables(ctx, db)
	if err != nil {
		return nil, err
	}
	var seen []watch.Seen
	for _, r := range found {
		look, err := at.Look(ctx, r.group, r.topic)
		if errors.Is(err, status.ErrNoTopic) && r.since > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen = append(seen, watch.Seen{Look: look, Reader: r.Reader})
	}
	return seen, nil
}

// followReaders makes what follows ClickHouse's Kafka tables, with a registry of its metrics.
func followReaders(limit time.Duration, at *kafka.Status, db *store.Store) (*watch.Readers, *prometheus.Registry) {
	readers := watch.NewReaders(limit, func(ctx context.Context) ([]watch.Seen, error) { return seeReaders(ctx, at, db) })
	registry := prometheus.NewRegistry()
	registry.MustRegister(readers)
	return readers, registry
}

// watchReaders serves readiness and metrics of ClickHouse's Kafka tables until it is stopped.
func watchReaders(c *cli.Context, rt *app.Runtime, at *kafka.Status, db *store.Store) error {
	readers, registry := followReaders(c.Duration("stalled-after"), at, db)
	stop, err := serveWatch(c.Context, c.String("watch-addr"), readers.Ready, registry, rt.Stderr)
	if err != nil {
		return err
	}
	defer stop()
	last := map[string]string{}
	return readers.Run(c.Context, func(ctx context.Context, seen watch.Seen, v status.Verdict) error {
		if before := last[seen.Reader.Table]; v.Text != "" && before == "" {
			rt.Log.ErrorContext(ctx, "ClickHouse's Kafka table does not progress", "table", seen.Reader.Table, "why", v.Text)
		} else if v.Text == "" && before != "" {
			rt.Log.InfoContext(ctx, "ClickHouse's Kafka table progresses again", "table", seen.Reader.Table)
		}
		last[seen.Reader.Table] = v.Text
		return nil
	})
}
