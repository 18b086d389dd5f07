package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// idBytes is what an id takes in a statement: '…', and a comma.
const idBytes = 39

// Stored calls visit for each of the ids that transactions has, in no order, with its current state.
func (s *Store) Stored(ctx context.Context, ids []transaction.ID, visit func(transaction.ID, batch.Stored)) error {
	if len(ids) == 0 {
		return nil
	}
	var list strings.Builder
	list.Grow(idBytes * len(ids))
	for i, id := range ids {
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteString("'" + id.String() + "'")
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_query_size": list.Len() + 1<<10}))
	rows, err := s.query(ctx, fmt.Sprintf("SELECT id, category, model_version, classified_at FROM transactions FINAL WHERE id IN (%s)", list.String()))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id uuid.UUID
		var is batch.Stored
		if err := rows.Scan(&id, &is.Category, &is.Model, &is.ClassifiedAt); err != nil {
			return err
		}
		visit(transaction.ID(id), is)
	}
	return s.explain(rows.Err())
}
