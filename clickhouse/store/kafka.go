package store

import (
	"context"
	"errors"
	"time"

	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/fault"
)

// KafkaTable is a table of ClickHouse that reads from Kafka, with what the server says of its consumers. Times are ages
// by the server's clock, -1 for never.
type KafkaTable struct {
	Name, Topic, Group string
	Consumers          int
	Polled             time.Duration // since a consumer last asked Kafka for messages
	Committed          time.Duration // since offsets were last committed
	Failed             time.Duration // since the last exception
	Error              string        // that exception
	Messages           uint64        // read since the table was attached
	Uptime             time.Duration // of the server
}

// KafkaTables returns the tables of the database that read from Kafka, by name.
func (s *Store) KafkaTables(ctx context.Context) (tables []KafkaTable, err error) {
	rows, err := s.conn.Query(ctx, statements.Text("server/kafka_tables"))
	if err != nil {
		return nil, s.explain(err)
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var t KafkaTable
		var consumers uint64
		var polled, committed, failed, uptime int64
		if err := rows.Scan(&t.Name, &t.Topic, &t.Group, &consumers, &polled, &committed, &failed, &t.Error, &t.Messages,
			&uptime); err != nil {
			return nil, err
		}
		t.Consumers = int(consumers)
		t.Polled, t.Committed, t.Failed, t.Uptime = age(polled), age(committed), age(failed), age(uptime)
		tables = append(tables, t)
	}
	return tables, s.explain(rows.Err())
}

// KafkaThreads returns how many threads the server has for all tables that read from Kafka.
func (s *Store) KafkaThreads(ctx context.Context) (int, error) {
	var threads int64
	err := s.conn.QueryRow(ctx, statements.Text("server/kafka_threads")).Scan(&threads)
	return int(threads), s.explain(err)
}

func age(seconds int64) time.Duration {
	if seconds < 0 {
		return -1
	}
	return time.Duration(seconds) * time.Second
}

// ReattachKafka gives a Kafka table a new consumer: the table is detached, where it is attached, and attached again.
// Nothing is lost: the consumer goes on from its group's committed offsets. The old one does not leave its group, which
// has to be notified, or its partitions are read again after the group's session timeout only (45 s); forget may do
// that, or be nil. The context bounds it all: with a consumer that hangs it may not end.
func (s *Store) ReattachKafka(ctx context.Context, table string, forget func(context.Context) error) error {
	if generation, _, age, err := s.latestLock(ctx); err != nil || generation > 0 && age < lockStale {
		return errors.Join(err,
			fault.Failf(fault.ExitTryAgain, "another process migrates %s: its Kafka tables are left alone", s.Database()))
	}
	if err := s.conn.Exec(ctx, "DETACH TABLE IF EXISTS "+quoteName(table)+" SYNC"); err != nil {
		return s.explain(err)
	}
	var forgotten error
	if forget != nil {
		forgotten = forget(ctx) // a table that is detached is attached again in any case
	}
	for failures := 1; ; failures++ {
		err := s.conn.Exec(ctx, "ATTACH TABLE IF NOT EXISTS "+quoteName(table))
		if err == nil {
			return forgotten
		}
		if retry.Wait(ctx, waits.Delay(failures)) != nil { // it must not stay detached for a failure that passes
			return errors.Join(s.explain(err), forgotten)
		}
	}
}
