package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
)

// storedOf reads its ids from one text: as a list of literals they take the server three times as long to parse. Of
// each id the greatest row_version is taken instead of reading with FINAL, which reads all columns of all rows around
// the ids.
const storedOf = `SELECT id, last.1, last.2, last.3, toUnixTimestamp64Micro(last.4), last.5 FROM
(
    SELECT id, argMax((category, model_version, content_hash, version, classified_at), row_version) AS last
    FROM transactions
    WHERE id IN (SELECT toUUID(arrayJoin(splitByChar(',', '%s'))))
    GROUP BY id
)`

// idsOfQuery keeps a statement below 262,144 bytes, which is what ClickHouse takes by default.
const idsOfQuery = 6_000

// Stored calls visit for each of the ids that transactions has, in no order, with its current state.
func (s *Store) Stored(ctx context.Context, ids []transaction.ID, visit func(transaction.ID, ledger.Stored)) error {
	for some := range slices.Chunk(ids, idsOfQuery) {
		if err := s.storedSome(ctx, some, visit); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) storedSome(ctx context.Context, ids []transaction.ID, visit func(transaction.ID, ledger.Stored)) error {
	list := make([]byte, 0, len(ids)*len("00000000-0000-0000-0000-000000000000,"))
	for _, id := range ids {
		list = append(id.Append(list), ',')
	}
	rows, err := s.query(ctx, fmt.Sprintf(storedOf, list[:len(list)-1]))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id uuid.UUID
		var is ledger.Stored
		if err := rows.Scan(&id, &is.Category, &is.Model, &is.ContentHash, &is.Version, &is.ClassifiedAt); err != nil {
			return err
		}
		visit(transaction.ID(id), is)
	}
	return s.explain(rows.Err())
}
