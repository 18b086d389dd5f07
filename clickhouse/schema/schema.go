// Package schema holds the snapshot of what the migrations make of an empty database, one object a file. An empty
// database is made from it at once, instead of one migration after another; `go run ./clickhouse/schema/gen` writes it.
package schema

import (
	"cmp"
	"embed"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
)

//go:embed *.sql
var files embed.FS

// Core is the set of migrations that every txflow needs, with its snapshot.
func Core() (migrate.Set, error) { return set("core", migrations.Files, false) }

// Stream is the set for reading from Kafka, with its snapshot. It needs Core and the named collection txflow_kafka.
func Stream() (migrate.Set, error) { return set("stream", migrations.Stream(), true) }

func set(name string, of fs.FS, stream bool) (migrate.Set, error) {
	all, err := migrate.Load(of)
	if err != nil {
		return migrate.Set{}, err
	}
	objects, err := snapshot(stream)
	return migrate.Set{Name: name, Migrations: all, Snapshot: objects}, err
}

// The migrations' ledger is made before any set.
const ledger = "schema_migrations"

// isStream reports whether an object is of the set for reading from Kafka: its tables are named so, and their views
// after them.
func isStream(name string) bool {
	return strings.HasPrefix(name, "kafka_") || strings.HasPrefix(name, "arrived_")
}

var (
	create = regexp.MustCompile(`(?m)^CREATE (TABLE|VIEW|MATERIALIZED VIEW) `)
	// A view runs as the user who makes it, which is another one on each server.
	definer = regexp.MustCompile(`(?m)^DEFINER = \S+ SQL SECURITY DEFINER\n`)
)

func snapshot(stream bool) ([]migrate.Object, error) {
	paths, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var objects []migrate.Object
	for _, path := range paths {
		name := strings.TrimSuffix(path, ".sql")
		if name == ledger || isStream(name) != stream {
			continue
		}
		sql, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text := create.ReplaceAllString(definer.ReplaceAllString(string(sql), ""), "CREATE $1 IF NOT EXISTS ")
		objects = append(objects, migrate.Object{Name: name, SQL: text})
	}
	slices.SortStableFunc(objects, func(a, b migrate.Object) int { return cmp.Compare(rank(&a), rank(&b)) })
	return objects, nil
}

// rank orders objects by what they need: tables come first, then views. With the views on Kafka's tables reading
// begins, so they come when everything that they write to is there.
func rank(o *migrate.Object) int {
	switch {
	case strings.Contains(o.SQL, "CREATE TABLE "):
		return 0
	case strings.Contains(o.SQL, "CREATE VIEW "):
		return 1
	case strings.HasPrefix(o.Name, "kafka_"):
		return 3
	default:
		return 2
	}
}
