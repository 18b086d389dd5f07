package store

import (
	"context"
	"slices"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// idsOfQuery keeps a statement below 262,144 bytes, which is what ClickHouse takes by default.
const idsOfQuery = 6_000

// idList has ids with commas between them.
func idList[T interface{ Append([]byte) []byte }](ids []T) string {
	list := make([]byte, 0, len(ids)*len("00000000-0000-0000-0000-000000000000,"))
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = id.Append(list)
	}
	return string(list)
}

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
	return s.each(ctx, statements.With("transactions/stored", "ids", idList(ids)), nil, func(rows driver.Rows) error {
		var id uuid.UUID
		var is ledger.Stored
		if err := rows.Scan(&id, &is.Category, &is.Model, &is.ContentHash, &is.Version, &is.ClassifiedAt); err != nil {
			return err
		}
		visit(transaction.ID(id), is)
		return nil
	})
}
