// Package migrate brings a database to the schema that this version of txflow works with. Migrations go forward only:
// each is applied once, in order, and recorded with its checksum, so that a changed old one is noticed.
package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Migration is one file: one statement, which may be run again without harm, since a process may be killed before it
// has recorded what it ran. Two lines of comment have a meaning:
//
//	-- unless: QUERY      the statement is not run where the query gives a number other than 0: it was run already
//	-- replaces: 1 to 6   where none of those was ever applied, they are recorded and not run
type Migration struct {
	Number   int
	Name     string // of the file
	SQL      string
	Unless   string // "": the statement is always run
	Replaced bool   // a later migration does without it
	Checksum string // SHA-256 of SQL, hex
}

var (
	fileName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	unless   = regexp.MustCompile(`(?m)^-- unless: (.+)$`)
	replaces = regexp.MustCompile(`(?m)^-- replaces: (\d+) to (\d+)$`)
)

// Load reads the migrations of a set and checks that their numbers are 1, 2, 3 and so on.
func Load(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []Migration
	for i, name := range names {
		match := fileName.FindStringSubmatch(name)
		if match == nil {
			return nil, fmt.Errorf("migration %s: the name must be NNNN_name.sql", name)
		}
		number, _ := strconv.Atoi(match[1]) // the pattern is digits
		if number != i+1 {
			return nil, fmt.Errorf("migration %s: number %d was expected", name, i+1)
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		m := Migration{Number: number, Name: name, SQL: string(content), Checksum: hex.EncodeToString(sum[:])}
		if match := unless.FindStringSubmatch(m.SQL); match != nil {
			m.Unless = match[1]
		}
		if match := replaces.FindStringSubmatch(m.SQL); match != nil {
			first, _ := strconv.Atoi(match[1]) // the pattern is digits
			last, _ := strconv.Atoi(match[2])
			if first < 1 || last < first || last >= number {
				return nil, fmt.Errorf("migration %s replaces %d to %d: they must be earlier ones", name, first, last)
			}
			for i := first - 1; i < last; i++ {
				all[i].Replaced = true
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// Database is what migrations are applied to.
type Database interface {
	// Prepare makes the database and the ledger where they are missing.
	Prepare(ctx context.Context) error
	// Applied returns the ledger of a set by number: what was applied under which checksum. It is empty where there is no
	// database or no ledger yet.
	Applied(ctx context.Context, set string) (map[int]Applied, error)
	// Apply runs one statement.
	Apply(ctx context.Context, sql string) error
	// Holds runs a query of one number and reports whether it is other than 0.
	Holds(ctx context.Context, query string) (bool, error)
	// Lock waits until no other process migrates the database, and keeps others out until unlock. held says what ended the
	// lock before that, as when this process was stopped for so long that another took over.
	Lock(ctx context.Context) (held func(context.Context) error, unlock func(), err error)
	// Record adds to the ledger: all or, when it fails, none.
	Record(ctx context.Context, set string, all ...Migration) error
}

// Applied is an entry of the ledger.
type Applied struct{ Name, Checksum string }

// Set is a sequence of migrations with numbers of its own.
type Set struct {
	Name       string
	Migrations []Migration
	Snapshot   []Object // what all Migrations make of an empty database, in an order that works; nil: it is made by them
}

// State compares a database with a set of migrations.
type State struct {
	Pending []Migration
	Changed []Migration // applied once with another content
	Newer   []int       // applied by a later version of txflow
	Current int         // the last number applied; 0: none
	// Snapshot is the checksum of the snapshot that the set was made from, or is being made from while Current is 0.
	Snapshot string
}

// Err is nil when migrating may go on: nothing was changed behind its back, and the database is not ahead.
func (s *State) Err() error {
	if len(s.Changed) > 0 {
		return fault.WithHint(fault.Failf(fault.ExitData, "migration %s was changed after it had been applied",
			s.Changed[0].Name), "put the file back as it was and write the change as a new migration")
	}
	if len(s.Newer) > 0 {
		return fault.WithHint(fault.Failf(fault.ExitData, "the database has migration %d, which this txflow does not know",
			s.Newer[len(s.Newer)-1]), "use the version of txflow that migrated it, or a later one")
	}
	return nil
}

// Status compares a database with a set.
func Status(ctx context.Context, db Database, set Set) (*State, error) {
	applied, err := db.Applied(ctx, set.Name)
	if err != nil {
		return nil, err
	}
	s := &State{Snapshot: applied[snapshotNumber].Checksum}
	for _, m := range set.Migrations {
		a, ok := applied[m.Number]
		switch {
		case !ok:
			s.Pending = append(s.Pending, m)
		case a.Checksum != m.Checksum:
			s.Changed = append(s.Changed, m)
		}
	}
	for number := range applied {
		s.Current = max(s.Current, number)
	}
	for number := len(set.Migrations) + 1; number <= s.Current; number++ {
		s.Newer = append(s.Newer, number)
	}
	return s, nil
}

// Up applies what is pending and calls done after each. A migration that fails stays pending: the next Up tries it
// again. Of several processes one migrates, and the others wait for it.
func Up(ctx context.Context, db Database, set Set, done func(Migration)) error {
	if err := db.Prepare(ctx); err != nil {
		return err
	}
	state, err := pending(ctx, db, set)
	if err != nil || len(state.Pending) == 0 {
		return err
	}
	held, unlock, err := db.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if state, err = pending(ctx, db, set); err != nil { // another process may have been at it
		return err
	}
	if made, err := fromSnapshot(ctx, db, set, state, done); err != nil || made {
		return err
	}
	fresh := state.Current == 0
	var checked time.Time
	for _, m := range state.Pending {
		if time.Since(checked) > heldFor {
			if err := held(ctx); err != nil {
				return err
			}
			checked = time.Now()
		}
		if err := apply(ctx, db, m, fresh); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
		if err := db.Record(ctx, set.Name, m); err != nil {
			return fmt.Errorf("record migration %s: %w", m.Name, err)
		}
		done(m)
	}
	return nil
}

// heldFor is how long the lock counts as held after it was looked at: far less than the time after which another takes
// it.
const heldFor = time.Second

func pending(ctx context.Context, db Database, set Set) (*State, error) {
	state, err := Status(ctx, db, set)
	if err == nil {
		err = state.Err()
	}
	return state, err
}

func apply(ctx context.Context, db Database, m Migration, fresh bool) error {
	if fresh && m.Replaced {
		return nil
	}
	if m.Unless != "" {
		if holds, err := db.Holds(ctx, m.Unless); err != nil || holds {
			return err
		}
	}
	return db.Apply(ctx, m.SQL)
}
