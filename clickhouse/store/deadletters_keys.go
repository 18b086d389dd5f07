package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/ledger"
)

// Bounds of one statement about dead letters: the text of its keys, well below ClickHouse's max_query_size (256 KiB),
// and the messages that it reads.
const (
	maxKeysText  = 128 << 10
	maxKeysBytes = 16 << 20
)

// keyLists are conditions that select dead letters by their keys, each bounded by its own length and by the sizes of
// the messages (Bytes). Keys that follow each other in one partition share the text of their origin.
func keyLists(deadLetters []ledger.DeadLetterState) iter.Seq[string] {
	return func(yield func(string) bool) {
		var text strings.Builder
		var group ledger.Origin // whose positions are being written
		bytes := 0
		for i := range deadLetters {
			at := deadLetters[i].Origin
			of := at
			of.Position = 0
			if text.Len() > maxKeysText || text.Len() > 0 && bytes+deadLetters[i].Bytes > maxKeysBytes {
				if !yield(text.String() + "))") {
					return
				}
				text.Reset()
				bytes = 0
			}
			bytes += deadLetters[i].Bytes
			if text.Len() > 0 && of == group {
				_, _ = fmt.Fprintf(&text, ", %d", at.Position)
				continue
			}
			if text.Len() > 0 {
				text.WriteString(")) OR ")
			}
			group = of
			_, _ = fmt.Fprintf(&text, "(origin = %s AND origin_digest = %s AND partition = %d AND position IN (%d",
				literal(at.Origin), literal(at.Digest), at.Partition, at.Position)
		}
		if text.Len() > 0 {
			yield(text.String() + "))")
		}
	}
}

// firstSeen returns when dead letters were first seen that are stored already; for the others it has nothing.
func (s *Store) firstSeen(ctx context.Context, rows []ledger.DeadLetter) (map[ledger.Origin]time.Time, error) {
	deadLetters := make([]ledger.DeadLetterState, len(rows))
	for i := range rows {
		deadLetters[i].Origin = rows[i].Origin
	}
	seen := map[ledger.Origin]time.Time{}
	for keys := range keyLists(deadLetters) {
		found, err := s.query(ctx, statements.With("dead_letters/first_seen", "keys", keys))
		if err != nil {
			return nil, err
		}
		for found.Next() {
			var at ledger.Origin
			var first time.Time
			if err := found.Scan(&at.Origin, &at.Digest, &at.Partition, &at.Position, &first); err != nil {
				return nil, errors.Join(err, found.Close())
			}
			seen[at] = first
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil {
			return nil, s.explain(err)
		}
	}
	return seen, nil
}
