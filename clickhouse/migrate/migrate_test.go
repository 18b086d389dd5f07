package migrate_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func open(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(store.Config{URL: embeddedtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func core(t *testing.T) migrate.Set {
	t.Helper()
	all, err := migrate.Load(migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	return migrate.Set{Name: "core", Migrations: all}
}

// up migrates and returns the names of what was applied.
func up(db *store.Store, set migrate.Set) (names []string, err error) {
	err = migrate.Up(context.Background(), db, set, func(m migrate.Migration) { names = append(names, m.Name) })
	return names, err
}

func TestUpAppliesOnce(t *testing.T) {
	db, set := open(t), core(t)
	state, err := migrate.Status(t.Context(), db, set)
	if err != nil || len(state.Pending) != len(set.Migrations) || state.Current != 0 {
		t.Fatalf("before: %+v, %v", state, err)
	}
	if names, err := up(db, set); err != nil || len(names) != len(set.Migrations) {
		t.Fatalf("first: %v, %v", names, err)
	}
	if names, err := up(db, set); err != nil || len(names) != 0 {
		t.Fatalf("second: %v, %v", names, err)
	}
	state, err = migrate.Status(t.Context(), db, set)
	if err != nil || len(state.Pending) != 0 || state.Current != len(set.Migrations) || state.Err() != nil {
		t.Fatalf("after: %+v, %v", state, err)
	}
}

func TestUpMakesTheDatabase(t *testing.T) {
	db, err := store.Open(store.Config{URL: embeddedtest.ClickHouse(t) + "/?database=made_by_migrate"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	t.Cleanup(func() { embeddedtest.Exec(t, embeddedtest.ClickHouse(t), "DROP DATABASE made_by_migrate SYNC") })
	if names, err := up(db, core(t)); err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
}

func TestUpRefusesAChangedMigration(t *testing.T) {
	db, set := open(t), core(t)
	if _, err := up(db, set); err != nil {
		t.Fatal(err)
	}
	changed := set.Migrations[1]
	changed.Checksum = strings.Repeat("0", 64)
	set.Migrations[1] = changed
	set.Migrations = append(set.Migrations, migrate.Migration{Number: len(set.Migrations) + 1, Name: "later", SQL: "SELECT 1", Checksum: "x"})
	names, err := up(db, set)
	if batch.ExitCode(err) != batch.ExitData || !strings.Contains(err.Error(), changed.Name) || batch.Hint(err) == "" {
		t.Fatalf("%v, hint %q", err, batch.Hint(err))
	}
	if len(names) != 0 {
		t.Fatalf("applied %v all the same", names)
	}
}

func TestUpRefusesANewerDatabase(t *testing.T) {
	db, set := open(t), core(t)
	if _, err := up(db, set); err != nil {
		t.Fatal(err)
	}
	set.Migrations = set.Migrations[:len(set.Migrations)-1]
	if _, err := up(db, set); batch.ExitCode(err) != batch.ExitData || batch.Hint(err) == "" {
		t.Fatal(err)
	}
}

func TestUpTriesAFailedMigrationAgain(t *testing.T) {
	db := open(t)
	good := migrate.Migration{Number: 1, Name: "0001_a.sql", SQL: "CREATE TABLE IF NOT EXISTS a (x Int8) ENGINE = Memory", Checksum: "1"}
	bad := migrate.Migration{Number: 2, Name: "0002_b.sql", SQL: "CREATE TABEL b", Checksum: "2"}
	names, err := up(db, migrate.Set{Name: "some", Migrations: []migrate.Migration{good, bad}})
	if len(names) != 1 || err == nil || !strings.Contains(err.Error(), bad.Name) {
		t.Fatal(names, err)
	}
	bad.SQL = "CREATE TABLE IF NOT EXISTS b (x Int8) ENGINE = Memory"
	if names, err = up(db, migrate.Set{Name: "some", Migrations: []migrate.Migration{good, bad}}); err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
}

func TestSeveralMayMigrateAtOnce(t *testing.T) {
	db, set := open(t), core(t)
	var group sync.WaitGroup
	errs := make(chan error, 4)
	for range cap(errs) {
		group.Go(func() {
			_, err := up(db, set)
			errs <- err
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if state, err := migrate.Status(t.Context(), db, set); err != nil || len(state.Pending) != 0 {
		t.Fatal(state, err)
	}
}

func TestLoad(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"gap":      {"0001_a.sql": {}, "0003_b.sql": {}},
		"twice":    {"0001_a.sql": {}, "0001_b.sql": {}},
		"no digit": {"a.sql": {}},
		"from 0":   {"0000_a.sql": {}},
	} {
		if _, err := migrate.Load(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	all, err := migrate.Load(fstest.MapFS{"0001_a.sql": {Data: []byte("SELECT 1")}, "0002_b.sql": {Data: []byte("SELECT 2")}, "README.md": {}})
	if err != nil || len(all) != 2 || all[1].Number != 2 || all[0].Checksum == all[1].Checksum {
		t.Fatal(all, err)
	}
}
