package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func open(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(store.Config{URL: secret.NewURL(embeddedtest.Database(t))})
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
	db, err := store.Open(store.Config{URL: secret.NewURL(embeddedtest.ClickHouse(t) + "/?database=made_by_migrate")})
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
	set.Migrations = append(set.Migrations, migrate.Migration{Number: len(set.Migrations) + 1, Name: "later",
		SQL: "SELECT 1", Checksum: "x"})
	names, err := up(db, set)
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), changed.Name) || fault.Hint(err) == "" {
		t.Fatalf("%v, hint %q", err, fault.Hint(err))
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
	if _, err := up(db, set); fault.ExitCode(err) != fault.ExitData || fault.Hint(err) == "" {
		t.Fatal(err)
	}
}

func TestUpTriesAFailedMigrationAgain(t *testing.T) {
	db := open(t)
	good := migrate.Migration{Number: 1, Name: "0001_a.sql", SQL: "CREATE TABLE IF NOT EXISTS a (x Int8) ENGINE = Memory",
		Checksum: "1"}
	bad := migrate.Migration{Number: 2, Name: "0002_b.sql", SQL: "CREATE TABEL b", Checksum: "2"}
	names, err := up(db, migrate.Set{Name: "some", Migrations: []migrate.Migration{good, bad}})
	if len(names) != 1 || err == nil || !strings.Contains(err.Error(), bad.Name) {
		t.Fatal(names, err)
	}
	bad.SQL = "CREATE TABLE IF NOT EXISTS b (x Int8) ENGINE = Memory"
	if names, err = up(db, migrate.Set{Name: "some", Migrations: []migrate.Migration{good, bad}}); err != nil ||
		len(names) != 1 {
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

// A migration that says how to tell that it was run is not run twice, and one that is replaced not at all in a new
// database.
func TestUnlessAndReplaces(t *testing.T) {
	t.Parallel()
	load := func(content ...string) migrate.Set {
		files := fstest.MapFS{}
		for i, sql := range content {
			files[fmt.Sprintf("%04d_x.sql", i+1)] = &fstest.MapFile{Data: []byte(sql)}
		}
		all, err := migrate.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		return migrate.Set{Name: "some", Migrations: all}
	}
	const replaced, counted = "CREATE TABLE old (x Int8) ENGINE = Memory",
		"CREATE TABLE IF NOT EXISTS log (x Int8) ENGINE = Memory"
	const once = "-- unless: SELECT count() FROM log\nINSERT INTO log VALUES (1)"
	set := load(replaced, counted, once, once, "-- why\n-- replaces: 1 to 1\nSELECT 1")
	tables := func(db *store.Store) string {
		for query, want := range map[string]bool{"SELECT count() FROM log WHERE x = 1": true,
			"SELECT count() != 1 FROM log": false} {
			if holds, err := db.Holds(t.Context(), query); err != nil || holds != want {
				t.Errorf("%s: %t, %v", query, holds, err)
			}
		}
		old, err := db.Holds(t.Context(), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = "+
			"'old'")
		return fmt.Sprint(old, err)
	}
	fresh, used := open(t), open(t)
	if names, err := up(fresh, set); err != nil || len(names) != 5 {
		t.Fatal(names, err)
	}
	if got := tables(fresh); got != "false <nil>" {
		t.Errorf("the replaced table is there: %s", got)
	}
	before := load(replaced)
	for range 2 { // once the older release, then this one
		if _, err := up(used, before); err != nil {
			t.Fatal(err)
		}
		before = set
	}
	if got := tables(used); got != "true <nil>" {
		t.Errorf("the older release's table is there: %s", got)
	}
	for name, files := range map[string]fstest.MapFS{
		"itself": {"0001_a.sql": {Data: []byte("-- replaces: 1 to 1\nSELECT 1")}},
		"later":  {"0001_a.sql": {Data: []byte("-- replaces: 2 to 3\nSELECT 1")}},
	} {
		if _, err := migrate.Load(files); err == nil {
			t.Errorf("replaces %s: no error", name)
		}
	}
}

// The lock of a process that was killed is taken over, and its holder, should it still live, notices.
func TestAnOldLockIsTakenOver(t *testing.T) {
	t.Parallel()
	db, set := open(t), core(t)
	if err := db.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, unlock, err := db.Lock(t.Context())
	if err != nil || held(t.Context()) != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, _, err := db.Lock(waiting); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two hold the lock: %v", err)
	}
	// Another process that was killed while this one was stopped left the latest lock.
	if err := db.Apply(t.Context(),
		"CREATE TABLE schema_lock_7 (holder UUID) ENGINE = Null COMMENT 'killed'"); err != nil {
		t.Fatal(err)
	}
	if err := held(t.Context()); fault.ExitCode(err) != fault.ExitTryAgain || fault.Hint(err) == "" {
		t.Errorf("it still holds the lock: %v", err)
	}
	unlock() // leaves the other's alone
	if names, err := up(db, set); err != nil || len(names) != len(set.Migrations) {
		t.Fatal(names, err)
	}
	if left, err := db.Holds(t.Context(), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND "+
		"name LIKE 'schema_lock%'"); err != nil || left {
		t.Errorf("locks are left: %t, %v", left, err)
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
	all, err := migrate.Load(fstest.MapFS{"0001_a.sql": {Data: []byte("SELECT 1")},
		"0002_b.sql": {Data: []byte("SELECT 2")}, "README.md": {}})
	if err != nil || len(all) != 2 || all[1].Number != 2 || all[0].Checksum == all[1].Checksum {
		t.Fatal(all, err)
	}
}
