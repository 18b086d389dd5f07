// Command gen writes the snapshot of the schema: what the migrations make of an empty database, one object a file, as
// ClickHouse itself reports it. With -check it compares instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/secret"
)

func main() {
	dir := flag.String("dir", "clickhouse/schema", "folder of the snapshot")
	check := flag.Bool("check", false, "compare, and write nothing")
	flag.Parse()
	if err := run(context.Background(), *dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, check bool) error {
	objects, err := snapshot(ctx)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return err
	}
	var stale []string
	for _, path := range old {
		if _, ok := objects[filepath.Base(path)]; !ok {
			stale = append(stale, path)
		}
	}
	if !check {
		for _, path := range stale {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		for name, sql := range objects {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(sql), 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	for name, sql := range objects {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(content) != sql {
			stale = append(stale, filepath.Join(dir, name))
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("the snapshot of the schema is not what the migrations make: %s\nnext: go run "+
			"./clickhouse/schema/gen", strings.Join(stale, ", "))
	}
	fmt.Printf("the snapshot of the schema is up to date: %d objects\n", len(objects))
	return nil
}

func up(ctx context.Context, db *store.Store, set string, files fs.FS) error {
	all, err := migrate.Load(files)
	if err != nil {
		return err
	}
	return migrate.Up(ctx, db, migrate.Set{Name: set, Migrations: all}, func(migrate.Migration) {})
}

// snapshot migrates an empty database and returns its objects by file name.
func snapshot(ctx context.Context) (objects map[string]string, err error) {
	dir, err := os.MkdirTemp("", "txflow-schema-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := embedded.Start(ctx, embedded.Config{Dir: dir, ClickHouseAddr: "127.0.0.1:0", KafkaAddr: "127.0.0.1:0",
		Progress: os.Stderr})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	db, err := store.Open(store.Config{URL: secret.NewURL(p.ClickHouseURL())})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := up(ctx, db, "core", migrations.Files); err != nil {
		return nil, err
	}
	if _, err := db.SetBrokers(ctx, p.KafkaAddr(), nil); err != nil {
		return nil, err
	}
	if err := up(ctx, db, "stream", migrations.Stream()); err != nil {
		return nil, err
	}
	statements, err := db.Schema(ctx)
	if err != nil {
		return nil, err
	}
	objects = map[string]string{}
	for name, sql := range statements {
		objects[name+".sql"] = "-- Generated from clickhouse/migrations; do not edit.\n" + sql + ";\n"
	}
	return objects, nil
}
