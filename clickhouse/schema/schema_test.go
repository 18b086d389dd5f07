package schema_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func open(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(store.Config{URL: secret.NewURL(embeddedtest.Database(t))})
	must(t, err)
	t.Cleanup(db.Close)
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sets(t *testing.T) []migrate.Set {
	t.Helper()
	core, err := schema.Core()
	must(t, err)
	stream, err := schema.Stream()
	must(t, err)
	return []migrate.Set{core, stream}
}

// brokers has the named collection there that the Kafka tables of a database need; nobody listens.
func brokers(t *testing.T, db *store.Store) {
	t.Helper()
	_, err := db.SetBrokers(t.Context(), "127.0.0.1:1", nil)
	must(t, err)
}

func nothing(migrate.Migration) {}

// made returns the statement of each object.
func made(t *testing.T, db *store.Store) map[string]string {
	t.Helper()
	objects, err := db.Schema(t.Context())
	must(t, err)
	return objects
}

// killed ends before each statement once, and once after it.
type killed struct {
	*store.Store
	seen map[string]bool
}

var errKilled = errors.New("killed")

func (k *killed) once(when, what string) error {
	if key := when + what; !k.seen[key] {
		k.seen[key] = true
		return errKilled
	}
	return nil
}

func (k *killed) Apply(ctx context.Context, sql string) error {
	if err := k.once("before ", sql); err != nil {
		return err
	}
	if err := k.Store.Apply(ctx, sql); err != nil {
		return err
	}
	return k.once("after ", sql)
}

func (k *killed) Record(ctx context.Context, set string, all ...migrate.Migration) error {
	if err := k.Store.Record(ctx, set, all...); err != nil {
		return err
	}
	return k.once("record ", fmt.Sprint(set, len(all)))
}

// An empty database that is made from the snapshot is the one that the migrations make, killed after any statement,
// too.
func TestTheSnapshotIsWhatTheMigrationsMake(t *testing.T) {
	t.Parallel()
	byMigrations, bySnapshot := open(t), open(t)
	brokers(t, byMigrations)
	brokers(t, bySnapshot)
	k := &killed{Store: bySnapshot, seen: map[string]bool{}}
	for _, set := range sets(t) {
		applied := 0
		for kills := 0; ; kills++ {
			err := migrate.Up(t.Context(), k, set, func(migrate.Migration) { applied++ })
			if err == nil {
				if want := 2*len(set.Snapshot) + 2; kills < want { // with the table of the ledger it is more
					t.Errorf("%s: killed %d times, want %d at least", set.Name, kills, want)
				}
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
		}
		state, err := migrate.Status(t.Context(), bySnapshot, set)
		if err != nil || len(state.Pending) != 0 || state.Err() != nil || state.Snapshot == "" {
			t.Errorf("%s: %+v, %v", set.Name, state, err)
		}
		set.Snapshot = nil
		must(t, migrate.Up(t.Context(), byMigrations, set, nothing))
	}
	want, got := made(t, byMigrations), made(t, bySnapshot)
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s:\n%s\nthe migrations make\n%s", name, got[name], want[name])
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is in the snapshot alone", name)
	}
}

// A database that has something already goes through the migrations: an older release may have been killed in its first
// one.
func TestOnlyAnEmptyDatabaseIsMadeFromTheSnapshot(t *testing.T) {
	t.Parallel()
	db, core := open(t), sets(t)[0]
	must(t, db.Prepare(t.Context()))
	must(t, db.Apply(t.Context(), core.Migrations[0].SQL)) // it was not recorded
	must(t, migrate.Up(t.Context(), db, core, nothing))
	other := open(t)
	must(t, migrate.Up(t.Context(), other, core, nothing))
	if !maps.Equal(made(t, db), made(t, other)) {
		t.Error("the first release's first table is left as it was")
	}
	if state, err := migrate.Status(t.Context(), db, core); err != nil || state.Snapshot != "" {
		t.Errorf("it was made from the snapshot: %+v, %v", state, err)
	}
}

// Tables that another version's snapshot has begun are not taken for this one's.
func TestAnotherVersionsSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	db, core := open(t), sets(t)[0]
	k := &killed{Store: db, seen: map[string]bool{}}
	for range 6 {
		if err := migrate.Up(t.Context(), k, core, nothing); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	core.Snapshot[0].SQL += " "
	if err := migrate.Up(t.Context(), db, core, nothing); err == nil || errors.Is(err, errKilled) {
		t.Errorf("it went on: %v", err)
	}
}

func BenchmarkEmptyDatabase(b *testing.B) {
	core, err := schema.Core()
	if err != nil {
		b.Fatal(err)
	}
	chain := core
	chain.Snapshot = nil
	for name, set := range map[string]migrate.Set{"snapshot": core, "migrations": chain} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				db, err := store.Open(store.Config{URL: secret.NewURL(embeddedtest.Database(b))})
				if err != nil {
					b.Fatal(err)
				}
				if err := migrate.Up(b.Context(), db, set, nothing); err != nil {
					b.Fatal(err)
				}
				db.Close()
			}
		})
	}
}
