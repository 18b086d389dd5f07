package setupcmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/watch"
)

// checkKafka looks for the broker and its topics, which only the stream needs.
func checkKafka(c *cli.Context, rt *app.Runtime) check {
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	cfg, err := kafkaflags.Config(c, rt)
	if err != nil {
		return failed("Kafka", err)
	}
	if err := cfg.Reach(ctx); err != nil {
		return check{Name: "Kafka", Detail: err.Error(), Neutral: true,
			Next: "txflow platform, or set KAFKA_BROKERS; only the stream needs it"}
	}
	admin, err := kafka.NewAdmin(cfg)
	if err != nil {
		return failed("Kafka", err)
	}
	defer admin.Close()
	names := topics.Names(topics.All(topics.Default, 1))
	have, err := admin.Topics(ctx, append(names, topics.Internal...))
	if err != nil {
		return failed("Kafka", err)
	}
	want, err := kafkaflags.Wanted(c, topics.Kept(have, topics.Default))
	if err != nil {
		return failed("Kafka", err)
	}
	want = slices.DeleteFunc(want, func(t topics.Topic) bool { return lacksEvents(have, t.Name) })
	plan, err := topics.Plan(ctx, admin, want)
	switch {
	case err != nil:
		return failed("Kafka", err)
	case len(plan) > 0:
		return check{Name: "Kafka", Next: "txflow topics apply",
			Detail: fmt.Sprintf("topics at %s are not as they should be: %s", cfg.Brokers, plan[0].Text)}
	}
	if weak := topics.Weak(have); len(weak) > 0 {
		return check{Name: "Kafka", Detail: fmt.Sprintf("%s at %s have fewer than the %d replicas of the stream's topics",
			strings.Join(weak, " and "), cfg.Brokers, want[0].Replicas),
			Next: "move them with kafka-reassign-partitions, and set offsets.topic.replication.factor and " +
				"transaction.state.log.replication.factor of the brokers"}
	}
	return check{Name: "Kafka", OK: true, Detail: fmt.Sprintf("%s at %s, as they should be",
		display.Count(len(want), "topic"), cfg.Brokers)}
}

// lacksEvents reports whether a topic is one of events in a cluster that has none of them: one of an older release, or
// without events.
func lacksEvents(have map[string]topics.State, name string) bool {
	for topic := range have {
		if strings.HasPrefix(topic, events.Name+".") {
			return false
		}
	}
	return strings.HasPrefix(name, events.Name+".")
}

// checkRegistry looks for the schemas, which only those need who share the topics.
func checkRegistry(c *cli.Context) check {
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	plan, _, err := PlanSchemas(ctx, c.String("registry-url"))
	switch {
	case fault.ExitCode(err) == fault.ExitUnavailable:
		return check{Name: "schemas", Detail: err.Error(), Neutral: true,
			Next: "txflow platform, or set SCHEMA_REGISTRY_URL; the stream works without it"}
	case err != nil:
		return failed("schemas", err)
	case len(plan) > 0:
		return check{Name: "schemas", Detail: "the registry lacks some: " + plan[0].Text, Next: "txflow schemas register"}
	}
	return check{Name: "schemas", OK: true, Detail: "all are registered"}
}

// checkStreamTables looks for ClickHouse's readers of Kafka; without any, nobody reads it.
func checkStreamTables(ctx context.Context, db *store.Store) check {
	const name = "stream tables"
	set, err := schema.Stream()
	if err != nil {
		return failed(name, err)
	}
	state, err := migrate.Status(ctx, db, set)
	if err == nil {
		err = state.Err()
	}
	switch {
	case err != nil:
		return failed(name, err)
	case state.Current == 0:
		return check{Name: name, Detail: "ClickHouse does not read Kafka", Neutral: true,
			Next: "txflow migrate --stream; only the stream needs it"}
	case len(state.Pending) > 0:
		return check{Name: name, Detail: fmt.Sprintf("%d of %s %s to be applied", len(state.Pending),
			display.Count(len(set.Migrations), "migration"), display.Are(len(state.Pending))), Next: "txflow migrate --stream"}
	}
	return check{Name: name, OK: true, Detail: fmt.Sprintf("ClickHouse reads Kafka: %s",
		display.Count(state.Current, "migration"))}
}

// openBoth opens ClickHouse, and Kafka to ask for its status.
func openBoth(c *cli.Context, rt *app.Runtime) (db *store.Store, at *kafka.Status, closeBoth func(), err error) {
	cfg, err := kafkaflags.Config(c, rt)
	if err != nil {
		return nil, nil, nil, err
	}
	if db, err = store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), Log: rt.Log}); err != nil {
		return nil, nil, nil, err
	}
	if at, err = kafka.OpenStatus(cfg); err != nil {
		db.Close()
		return nil, nil, nil, err
	}
	return db, at, func() {
		_ = at.Close() // it only read
		db.Close()
	}, nil
}

// checkReaders looks for Kafka tables of ClickHouse that do not progress although messages wait. It says nothing where
// Kafka or ClickHouse is missing, which other checks say, or where ClickHouse does not read Kafka.
func checkReaders(c *cli.Context, rt *app.Runtime) []check {
	const name, between = "stream readers", time.Second
	db, at, closeBoth, err := openBoth(c, rt)
	if err != nil {
		return nil
	}
	defer closeBoth()
	look := func() ([]watch.Seen, error) {
		ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
		defer cancel()
		return readers.See(ctx, at, db)
	}
	before, err := look()
	if err != nil || len(before) == 0 {
		return nil
	}
	select {
	case <-time.After(between):
	case <-c.Context.Done():
		return nil
	}
	now, err := look()
	if err != nil || len(now) != len(before) {
		return nil
	}
	var stalled []string
	for i := range now {
		if v := status.Judge(before[i].Look, now[i].Look, &now[i].Reader,
			c.Duration(readers.StalledFlag.Name)); v.Cause != status.Progresses {
			stalled = append(stalled, v.Text)
		}
	}
	if len(stalled) > 0 {
		return []check{{Name: name, Detail: strings.Join(stalled, "; "),
			Next: "txflow platform gives the table a new consumer by itself; " +
				"on a server correct what the exception says, then DETACH TABLE and ATTACH TABLE it, or restart ClickHouse: " +
				"nothing is lost"}}
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	if threads, err := db.KafkaThreads(ctx); err == nil { // a user who may not ask for them has the rest checked
		return []check{checkThreads(name, threads, len(now))}
	}
	return []check{progress(name, len(now))}
}

// checkThreads looks whether each Kafka table that progresses can do so at the same time as the others.
func checkThreads(name string, threads, tables int) check {
	if threads < tables {
		return check{Name: name, Detail: fmt.Sprintf("ClickHouse has %s for %d Kafka tables, of which each keeps one "+
			"while messages come: rows of the others wait for up to a minute", display.Count(threads, "thread"), tables),
			Next: "set background_message_broker_schedule_pool_size of the server to 16, its default, and restart it"}
	}
	return progress(name, tables)
}

func progress(name string, tables int) check {
	return check{Name: name, OK: true, Detail: fmt.Sprintf("ClickHouse's %d Kafka tables progress", tables)}
}
