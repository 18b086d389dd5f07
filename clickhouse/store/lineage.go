package store

import (
	"context"
	"encoding/json"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
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
	named := clickhouse.Named("id", l.ID)
	current, err := s.jsonRows(ctx, `SELECT * EXCEPT (id) REPLACE (toDecimalString(amount, 4) AS amount, toString(content_hash) AS content_hash) FROM transactions FINAL WHERE id = {id:UUID}`, named)
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
		l.Tasks, err = s.jsonRows(ctx, `SELECT task, task_index, try, status, rows_in, started_at, duration_ms, trace_id FROM task_runs FINAL
WHERE run_id = {run:String} ORDER BY started_at, task_index`, clickhouse.Named("run", run.ID))
		if err != nil {
			return nil, err
		}
	}
	l.Outcomes, err = s.jsonRows(ctx, outcomesOfID, named)
	if err != nil {
		return nil, err
	}
	l.DeadLetters, err = s.jsonRows(ctx, `SELECT origin, partition, position, run_id, toString(outcome) AS outcome, column, code, message,
toString(state) AS state, updated_at FROM dead_letters FINAL WHERE id = {id:UUID} ORDER BY updated_at DESC LIMIT 100`,
		named)
	return l, err
}

// outcomesOfID reads the ledger through its index of ids, which FINAL would not use.
const outcomesOfID = `
SELECT pipeline, run_id, origin, partition, position, toString(outcome) AS outcome, code, category, model_version,
    version, classified_at, first_origin, first_position, recorded_at
FROM (SELECT * FROM outcomes WHERE id = {id:UUID} ORDER BY recorded_at DESC
    LIMIT 1 BY pipeline, run_id, origin, partition, position, log_id)
ORDER BY recorded_at DESC
LIMIT 100`

// jsonRows returns each row as an object.
func (s *Store) jsonRows(ctx context.Context, sql string, args ...any) (out []json.RawMessage, err error) {
	rows, err := s.query(ctx, "SELECT formatRowNoNewline('JSONEachRow', *) FROM ("+sql+
		") SETTINGS output_format_json_quote_64bit_integers = 0", args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, json.RawMessage(text))
	}
	return out, s.explain(rows.Err())
}

// FirstOf returns the id of the first row that a batch run stored, by the ledger; nil where it stored none.
func (s *Store) FirstOf(ctx context.Context, runID string) (*transaction.ID, error) {
	rows, err := s.query(ctx, `SELECT id FROM outcomes
WHERE pipeline = 'batch' AND run_id = {run:String} AND outcome = 'stored' ORDER BY origin, partition, position LIMIT 1`,
		clickhouse.Named("run", runID))
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
