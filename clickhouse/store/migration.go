package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
)

var _ migrate.Database = (*Store)(nil)

// ledgerTable keeps what was applied. It is made by hand since it must be there before the first migration.
const ledgerTable = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    set        LowCardinality(String),
    number     UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (set, number)`

// Prepare makes the database and the ledger of migrations where they are missing.
func (s *Store) Prepare(ctx context.Context) error {
	conn, err := s.server()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is written by it
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(s.Database())+" ENGINE = Atomic"); err != nil {
		return s.explain(err)
	}
	return s.Apply(ctx, ledgerTable)
}

// Applied reads the ledger of a set of migrations.
func (s *Store) Applied(ctx context.Context, set string) (map[int]migrate.Applied, error) {
	applied := map[int]migrate.Applied{}
	rows, err := s.conn.Query(ctx, "SELECT number, name, checksum FROM schema_migrations FINAL WHERE set = {set:String}",
		clickhouse.Named("set", set))
	if code := Code(err); code == codeUnknownTable || code == codeUnknownDatabase {
		return applied, nil
	}
	if err != nil {
		return nil, s.explain(err)
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var number uint32
		var a migrate.Applied
		if err := rows.Scan(&number, &a.Name, &a.Checksum); err != nil {
			return nil, err
		}
		applied[int(number)] = a
	}
	return applied, s.explain(rows.Err())
}

// Apply runs one statement. The collection of Kafka tables that it names becomes this database's own.
func (s *Store) Apply(ctx context.Context, sql string) error {
	sql, err := s.withCollection(ctx, sql)
	if err != nil {
		return err
	}
	return s.explain(s.conn.Exec(ctx, sql))
}

// Holds runs a query of one number and reports whether it is other than 0.
func (s *Store) Holds(ctx context.Context, query string) (bool, error) {
	var n uint64
	err := s.conn.QueryRow(ctx, "SELECT toUInt64(("+query+") != 0)").Scan(&n)
	return n != 0, s.explain(err)
}

// Record adds migrations to the ledger, in one block.
func (s *Store) Record(ctx context.Context, set string, all ...migrate.Migration) error {
	rows := make([]string, len(all))
	for i, m := range all {
		// all of them are plain by their patterns
		rows[i] = fmt.Sprintf("('%s', %d, '%s', '%s')", set, m.Number, m.Name, m.Checksum)
	}
	return s.explain(s.conn.Exec(ctx, "INSERT INTO schema_migrations (set, number, name, checksum) VALUES "+
		strings.Join(rows, ", ")))
}

func quoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

// Schema returns the statement that makes each object of the database, by name, as ClickHouse shows it; the collection
// of Kafka tables has the name that migrations give it.
func (s *Store) Schema(ctx context.Context) (map[string]string, error) {
	rows, err := s.query(ctx, statements.Text("server/schema"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	objects := map[string]string{}
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			return nil, err
		}
		objects[name] = s.withoutCollection(sql)
	}
	return objects, s.explain(rows.Err())
}
