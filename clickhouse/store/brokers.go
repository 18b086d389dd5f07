package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/fault"
)

// kafkaTables read from Kafka.
var kafkaTables = []string{"kafka_classified", "kafka_dead_letters", "kafka_events_raw", "kafka_events_silver",
	"kafka_events_dead_letters"}

var kafkaTableList = "'" + strings.Join(kafkaTables, "', '") + "'"

// SetBrokers sets which Kafka ClickHouse reads from, and how it lets one in: security are settings of librdkafka by
// their names, as it takes them (see collection.go). It returns the UUIDs of the tables that read from where they read
// before, until Reattach. Kafka tables that an earlier Reattach left detached are attached again, and read from the new
// brokers.
func (s *Store) SetBrokers(ctx context.Context, brokers string, security map[string]string) (old []string, err error) {
	err = s.conn.QueryRow(ctx,
		"SELECT groupArray(toString(uuid)) FROM system.tables WHERE database = currentDatabase() AND name IN ("+
			kafkaTableList+")").Scan(&old)
	if err != nil {
		return nil, s.explain(err)
	}
	if err := s.setCollection(ctx, brokers, security); err != nil {
		return nil, fmt.Errorf("set the Kafka brokers in ClickHouse: %w", err)
	}
	for _, table := range kafkaTables {
		if err := s.attach(ctx, table); err != nil {
			return nil, err
		}
	}
	return old, nil
}

// Reattach has the Kafka tables take up the brokers that SetBrokers called old, and returns their names. Those that a
// migration has made again since have them. A table that is attached joins its group again, after members that do not
// leave it: each costs a session timeout of 45 s, or two while it joins itself, so no table does it twice.
func (s *Store) Reattach(ctx context.Context, old []string) (tables []string, err error) {
	if len(old) == 0 {
		return nil, nil
	}
	err = s.conn.QueryRow(ctx,
		"SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND name IN ("+kafkaTableList+
			") AND toString(uuid) IN ('"+strings.Join(old, "', '")+"')").Scan(&tables)
	if err != nil {
		return nil, s.explain(err)
	}
	for _, table := range tables {
		if err := s.Apply(ctx, "DETACH TABLE IF EXISTS "+table+" SYNC"); err != nil {
			return nil, err
		}
		if err := s.attach(ctx, table); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// attachTries is how often a table is attached before that is given up: while it is detached nobody reads its topic.
const attachTries = 3

func (s *Store) attach(ctx context.Context, table string) (err error) {
	for failures := 1; failures <= attachTries; failures++ {
		err = s.conn.Exec(ctx, "ATTACH TABLE IF NOT EXISTS "+table)
		if err == nil || Code(err) == codeNoCreateQuery { // there never was such a table
			return nil
		}
		if err := retry.Wait(ctx, waits.Delay(failures)); err != nil {
			return err
		}
	}
	return fault.WithHint(fmt.Errorf("attach %s, so that ClickHouse reads from Kafka again: %w", table, s.explain(err)),
		"messages wait in Kafka: run txflow migrate --stream again")
}
