package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/batch"
)

// kafkaTables read from Kafka.
var kafkaTables = []string{"kafka_classified", "kafka_dead_letters"}

// SetBrokers tells ClickHouse which Kafka to read from: the named collection that the Kafka tables refer to. Kafka tables that
// an earlier Reattach left detached are attached again. It returns ClickHouse's time: tables that are older read from where
// they read before, until Reattach.
func (s *Store) SetBrokers(ctx context.Context, brokers string) (at time.Time, err error) {
	if err := s.conn.QueryRow(ctx, "SELECT now()").Scan(&at); err != nil {
		return at, s.explain(err)
	}
	value := literal(brokers)
	for _, sql := range []string{"CREATE NAMED COLLECTION IF NOT EXISTS txflow_kafka AS kafka_broker_list = " + value,
		"ALTER NAMED COLLECTION txflow_kafka SET kafka_broker_list = " + value} {
		if err := s.Apply(ctx, sql); err != nil {
			return at, fmt.Errorf("tell ClickHouse where Kafka is: %w", err)
		}
	}
	for _, table := range kafkaTables {
		if err := s.attach(ctx, table); err != nil {
			return at, err
		}
	}
	return at, nil
}

// Reattach has the Kafka tables that were made before a time, and not by a migration since, take up the brokers: those that
// are made again have them. To join a group again takes half a minute, so no table does it twice.
func (s *Store) Reattach(ctx context.Context, before time.Time) error {
	rows, err := s.query(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN ('"+strings.Join(kafkaTables, "', '")+
		"') AND metadata_modification_time <= toDateTime({before:Int64})", clickhouse.Named("before", fmt.Sprint(before.Unix())))
	if err != nil {
		return err
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if err := rows.Close(); err != nil {
		return s.explain(err)
	}
	for _, table := range tables {
		if err := s.Apply(ctx, "DETACH TABLE IF EXISTS "+table+" SYNC"); err != nil {
			return err
		}
		if err := s.attach(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// attachTries is how often a table is attached before that is given up: while it is detached nobody reads its topic.
const attachTries = 3

func (s *Store) attach(ctx context.Context, table string) (err error) {
	for try := range attachTries {
		err = s.conn.Exec(ctx, "ATTACH TABLE IF NOT EXISTS "+table)
		if err == nil || Code(err) == codeNoCreateQuery { // there never was such a table
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstWait << try):
		}
	}
	return batch.WithHint(fmt.Errorf("attach %s, so that ClickHouse reads from Kafka again: %w", table, s.explain(err)),
		"messages wait in Kafka: run txflow migrate --stream again")
}
