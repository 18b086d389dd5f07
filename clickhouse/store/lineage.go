package store

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Lineage is all that is known of one id. The fields are ClickHouse's own JSON, column by column.
type Lineage struct {
	ID          string            `json:"id"`
	Transaction json.RawMessage   `json:"transaction"`  // the current state; null when the id is not stored
	Tasks       []json.RawMessage `json:"tasks"`        // of the run that stored it
	Outcomes    []json.RawMessage `json:"outcomes"`     // what became of the id in every run, the newest first
	DeadLetters []json.RawMessage `json:"dead_letters"` // rows with this id that could not be stored
}

// Found reports whether anything is known.
func (l *Lineage) Found() bool {
	return l.Transaction != nil || len(l.Outcomes) > 0 || len(l.DeadLetters) > 0
}

// Lineage looks up where an id came from and what became of it.
func (s *Store) Lineage(ctx context.Context, id transaction.ID) (*Lineage, error) {
	l := &Lineage{ID: id.String()}
	args := named("id", l.ID)
	current, err := s.jsonRows(ctx, statements.Text("transactions/current"), args...)
	if err != nil {
		return nil, err
	}
	if len(current) > 0 {
		l.Transaction = current[0]
		var run struct {
			ID string `json:"run_id"`
		}
		if err := json.Unmarshal(current[0], &run); err != nil {
			return nil, err
		}
		l.Tasks, err = s.jsonRows(ctx, statements.Text("history/tasks_of_run"), named("run", run.ID)...)
		if err != nil {
			return nil, err
		}
	}
	l.Outcomes, err = s.jsonRows(ctx, statements.Text("ledger/of_id"), args...)
	if err != nil {
		return nil, err
	}
	l.DeadLetters, err = s.jsonRows(ctx, statements.Text("dead_letters/of_id"), args...)
	return l, err
}

// jsonRows returns each row as an object.
func (s *Store) jsonRows(ctx context.Context, sql string, args ...any) (out []json.RawMessage, err error) {
	err = s.each(ctx, "SELECT formatRowNoNewline('JSONEachRow', *) FROM ("+sql+
		") SETTINGS output_format_json_quote_64bit_integers = 0", args, func(rows driver.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		out = append(out, json.RawMessage(text))
		return nil
	})
	return out, err
}

// FirstOf returns the id of the first row that a batch run stored, by the ledger; nil where it stored none.
func (s *Store) FirstOf(ctx context.Context, runID string) (*transaction.ID, error) {
	rows, err := s.query(ctx, statements.Text("ledger/first_stored"), named("run", runID)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	if !rows.Next() {
		return nil, s.explain(rows.Err())
	}
	var id uuid.UUID
	if err := rows.Scan(&id); err != nil {
		return nil, err
	}
	return (*transaction.ID)(&id), nil
}
