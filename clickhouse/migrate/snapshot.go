package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/fault"
)

// Object is a table or view. Its statement does nothing where the object is there already.
type Object struct{ Name, SQL string }

// snapshotNumber is the ledger's entry that says: this set is being made from a snapshot, whose checksum it has.
const snapshotNumber = 0

// fromSnapshot makes all objects of a set at once where none of them is there, and records all its migrations as
// applied. It returns false where the set has no snapshot, or the database something of it. Killed on the way, it goes
// on the next time.
func fromSnapshot(ctx context.Context, db Database, set Set, state *State, done func(Migration)) (bool, error) {
	if len(set.Snapshot) == 0 || state.Current != 0 {
		return false, nil
	}
	begun := Migration{Number: snapshotNumber, Name: "snapshot", Checksum: checksum(set.Snapshot)}
	switch state.Snapshot {
	case "":
		there, err := db.Holds(ctx, anyOf(set.Snapshot))
		if err != nil || there {
			return false, err
		}
		if err := db.Record(ctx, set.Name, begun); err != nil {
			return false, fmt.Errorf("record that the tables are being made: %w", err)
		}
	case begun.Checksum:
	default:
		return false, fault.WithHint(fault.Failf(fault.ExitData, "another version of txflow began to make the tables of %s "+
			"and was cut off", set.Name),
			"run that version's txflow migrate first, or drop the database: it holds no rows yet")
	}
	for _, o := range set.Snapshot {
		if err := db.Apply(ctx, o.SQL); err != nil {
			return false, fmt.Errorf("make %s: %w", o.Name, err)
		}
	}
	if err := db.Record(ctx, set.Name, state.Pending...); err != nil {
		return false, fmt.Errorf("record the migrations: %w", err)
	}
	for _, m := range state.Pending {
		done(m)
	}
	return true, nil
}

func anyOf(objects []Object) string {
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = "'" + o.Name + "'" // names of this repository's files
	}
	return "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN (" + strings.Join(names,
		", ") + ")"
}

func checksum(objects []Object) string {
	sum := sha256.New()
	for _, o := range objects {
		_, _ = fmt.Fprintf(sum, "%s\x00%s\x00", o.Name, o.SQL) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))
}
