package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
)

// sharedCollection is the named collection of the Kafka tables as migrations write it, and as databases of older
// releases have it: one for the whole server. A database that is newer has one of its own, so that each reads from its
// own Kafka.
const sharedCollection = "txflow_kafka"

// inMigrations is how a migration names the collection.
const inMigrations = "ENGINE = Kafka(" + sharedCollection + ")"

// ownCollection has the name of the database after that of the shared one.
func (s *Store) ownCollection() string { return sharedCollection + "_" + s.Database() }

// kafkaCollection is the collection of this database's Kafka tables: that of the tables themselves; where all of them
// are detached or none is made yet, its own, unless the database read from Kafka before it could have one.
func (s *Store) kafkaCollection(ctx context.Context) (string, error) {
	applied, err := s.Applied(ctx, "stream")
	if err != nil {
		return "", err
	}
	delete(applied, 0) // the note of a snapshot that is being made
	var shared, own, known uint64
	err = s.conn.QueryRow(ctx, statements.With("server/kafka_collection", "tables", kafkaTableList),
		named("shared", "Kafka("+sharedCollection+")", "own", s.ownCollection())...).Scan(&shared, &own, &known)
	switch {
	case err != nil:
		return "", s.explain(err)
	case shared > 0, own+known == 0 && len(applied) > 0:
		return sharedCollection, nil
	}
	return s.ownCollection(), nil
}

// withCollection has a migration's statement name the collection of this database.
func (s *Store) withCollection(ctx context.Context, sql string) (string, error) {
	if !strings.Contains(sql, inMigrations) {
		return sql, nil
	}
	name, err := s.kafkaCollection(ctx)
	return strings.ReplaceAll(sql, inMigrations, "ENGINE = Kafka("+quoteName(name)+")"), err
}

// withoutCollection is the inverse of withCollection.
func (s *Store) withoutCollection(sql string) string {
	own := s.ownCollection()
	return strings.NewReplacer("ENGINE = Kafka("+own+")", inMigrations, "ENGINE = Kafka("+quoteName(own)+")",
		inMigrations).Replace(sql)
}

// settingsOfTables are those of librdkafka that ClickHouse's Kafka tables have by names of their own.
var settingsOfTables = map[string]string{"security.protocol": "kafka_security_protocol",
	"sasl.mechanism":  "kafka_sasl_mechanism",
	"sasl.mechanisms": "kafka_sasl_mechanism", "sasl.username": "kafka_sasl_username",
	"sasl.password": "kafka_sasl_password"}

// fetching has Kafka answer a table's fetch when it has 256 KiB, or after 200 ms, and not once for every few messages:
// a table stores what came in during a poll, which is as long. When polls were of 500 ms, rows of 5,000 events a second
// were visible after half the time with it.
//
// The session timeout is librdkafka's 45 s. With 10 s a killed server read again after 9 s. But in one of two runs of
// the migrations' tests, on a busy machine, a table that was made again had no partitions for six minutes; why is not
// known.
var fetching = map[string]string{"kafka.fetch_min_bytes": "262144", "kafka.fetch_wait_max_ms": "200"}

// keyOf is a setting's key in a collection: of those below "kafka." ClickHouse gives librdkafka each, with points for
// underscores.
func keyOf(setting string) string {
	if key := settingsOfTables[setting]; key != "" {
		return key
	}
	return "kafka." + strings.ReplaceAll(setting, ".", "_")
}

// collectionValues are what a collection is given that has the keys before. How to fetch is among them unless somebody
// may have set it by hand.
func collectionValues(brokers string, security map[string]string, before []string) map[string]string {
	values := map[string]string{"kafka_broker_list": brokers}
	for key, value := range fetching {
		if len(security) > 0 || !slices.Contains(before, key) {
			values[key] = value
		}
	}
	for setting, value := range security {
		values[keyOf(setting)] = value
	}
	return values
}

// setCollection makes the collection hold the brokers and the settings, and no others than these. Without any it leaves
// alone those that are there: somebody may have set them by hand.
func (s *Store) setCollection(ctx context.Context, brokers string, security map[string]string) error {
	name, err := s.kafkaCollection(ctx)
	if err != nil {
		return err
	}
	var before []string
	if err := s.conn.QueryRow(ctx,
		"SELECT groupArrayArray(mapKeys(collection)) FROM system.named_collections WHERE name = {name:String}",
		clickhouse.Named("name", name)).Scan(&before); err != nil {
		return s.explain(err)
	}
	values := collectionValues(brokers, security, before)
	keys := slices.Sorted(maps.Keys(values))
	pairs := make([]string, len(keys))
	for i, key := range keys {
		pairs[i] = quoteName(key) + " = " + literal(values[key])
	}
	list, quoted := strings.Join(pairs, ", "), quoteName(name)
	for _, sql := range []string{"CREATE NAMED COLLECTION IF NOT EXISTS " + quoted + " AS " + list,
		"ALTER NAMED COLLECTION " + quoted + " SET " + list} {
		if err := s.Apply(ctx, sql); err != nil {
			return s.withoutValues(err, security)
		}
	}
	if len(security) == 0 {
		return nil
	}
	for _, key := range before {
		if _, wanted := values[key]; !wanted {
			if err := s.Apply(ctx, "ALTER NAMED COLLECTION "+quoted+" DELETE "+quoteName(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutValues is an error of ClickHouse, which may repeat a statement, without the values of settings.
func (s *Store) withoutValues(err error, security map[string]string) error {
	text := err.Error()
	for _, value := range security {
		if value != "" {
			text = strings.NewReplacer(value, secret.Redacted, literal(value), secret.Redacted).Replace(text)
		}
	}
	return fault.WithHint(fault.Fail(fault.ExitCode(err), fmt.Errorf("%w", errors.New(text))), "%s", fault.Hint(err))
}
