package ui

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/fault"
)

// transactionRow is the current state of an id.
type transactionRow struct {
	ID            uuid.UUID   `ch:"id" json:"id"`
	Source        string      `ch:"source" json:"source"`
	SourceID      string      `ch:"source_id" json:"source_id"`
	Description   string      `ch:"description" json:"description"`
	Amount        decimalText `ch:"amount" json:"amount"`
	Timestamp     chTime      `ch:"timestamp_us" json:"timestamp"`
	Merchant      *string     `ch:"merchant" json:"merchant"`
	OperationType string      `ch:"operation_type" json:"operation_type"`
	Side          string      `ch:"side" json:"side"`
	Category      string      `ch:"category" json:"category"`
	Model         string      `ch:"model_version" json:"model_version"`
	Version       time.Time   `ch:"version" json:"version"`
	ClassifiedAt  time.Time   `ch:"classified_at" json:"classified_at"`
	Pipeline      string      `ch:"pipeline" json:"pipeline"`
	RunID         string      `ch:"run_id" json:"run_id"`
	Origin        string      `ch:"origin" json:"origin"`
	Partition     int32       `ch:"partition" json:"partition"`
	Position      uint64      `ch:"position" json:"position"`
	TraceID       string      `ch:"trace_id" json:"trace_id"`
	SpanID        string      `ch:"span_id" json:"span_id"`
	InsertedAt    time.Time   `ch:"inserted_at" json:"inserted_at"`
}

// storedRow is a row of a run that was stored, with the current state of its id.
type storedRow struct {
	Line     uint64 `json:"line"`
	File     string `json:"file"`
	Replaced bool   `json:"replaced"` // another row has taken its place since
	transactionRow
}

type ledgerRow struct {
	Origin    string    `ch:"origin"`
	Partition int32     `ch:"partition"`
	Position  uint64    `ch:"position"`
	ID        uuid.UUID `ch:"id"`
	Category  string    `ch:"category"`
	Model     string    `ch:"model_version"`
}

type duplicateRow struct {
	Origin        string    `ch:"origin" json:"file"`
	Partition     int32     `ch:"partition" json:"-"`
	Position      uint64    `ch:"position" json:"line"`
	ID            uuid.UUID `ch:"id" json:"id"`
	FirstOrigin   string    `ch:"first_origin" json:"first_file"`
	FirstPosition uint64    `ch:"first_position" json:"first_line"`
}

// ofRun is a page of rows of a run.
type ofRun struct {
	RunID  string
	Stored []storedRow
	Rows   []rejectedRow
	Twice  []duplicateRow
	Raw    bool
	Code   string
	First  bool // the page begins with the first row
}

func (u *UI) runRowsPage(r *http.Request) (*page, error) {
	n, after, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("run")
	found, err := rows[ledgerRow](r.Context(), u.cfg.DB, "run_stored",
		after.values(values{"pipeline": "batch", "run": id, "limit": itoa(n + 1)}))
	if err != nil {
		return nil, err
	}
	p := &page{View: "run_rows", Title: "Rows of " + plain(id), Section: "Runs"}
	if len(found) > n {
		found = found[:n]
		last := found[n-1]
		p.Next = with(r, "after", (&placeKey{Origin: last.Origin, Partition: last.Partition, Position: last.Position}).text())
	}
	ids := make([]uuid.UUID, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	states, err := u.byID(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	v := &ofRun{RunID: id, First: after == nil}
	for _, f := range found {
		t, ok := states[f.ID]
		v.Stored = append(v.Stored, storedRow{f.Position, f.Origin, !ok || t.RunID != id, t})
	}
	p.Data, p.Parts = v, []Part{{"rows", v.Stored}}
	return p, nil
}

// byID returns the current state of each id that is stored.
func (u *UI) byID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]transactionRow, error) {
	states := make(map[uuid.UUID]transactionRow, len(ids))
	if len(ids) == 0 {
		return states, nil
	}
	found, err := rows[transactionRow](ctx, u.cfg.DB, "transactions_by_id", values{"ids": joined(ids)})
	for _, t := range found {
		states[t.ID] = t
	}
	return states, err
}

func joined(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ",")
}

func (u *UI) rejectedPage(r *http.Request) (*page, error) {
	n, after, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	v := &ofRun{RunID: r.PathValue("run"), First: after == nil, Code: r.URL.Query().Get("reason")}
	if v.Raw, err = rawAsked(r); err != nil {
		return nil, err
	}
	if v.Rows, err = u.rejected(r.Context(), v.RunID, v.Code, v.Raw, after, n+1); err != nil {
		return nil, err
	}
	p := &page{View: "run_rejected", Title: "Rejected rows of " + plain(v.RunID), Section: "Runs"}
	if len(v.Rows) > n {
		v.Rows = v.Rows[:n]
		last := v.Rows[n-1]
		p.Next = with(r, "after", (&placeKey{last.Origin, last.Digest, last.Partition, last.Position}).text())
	}
	p.Data, p.Parts = v, []Part{{"rejected", v.Rows}}
	return p, nil
}

func (u *UI) duplicatesPage(r *http.Request) (*page, error) {
	n, after, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	v := &ofRun{RunID: r.PathValue("run"), First: after == nil}
	if v.Twice, err = rows[duplicateRow](r.Context(), u.cfg.DB, "run_duplicates",
		after.values(values{"run": v.RunID, "limit": itoa(n + 1)})); err != nil {
		return nil, err
	}
	p := &page{View: "run_duplicates", Title: "Duplicates of " + plain(v.RunID), Section: "Runs"}
	if len(v.Twice) > n {
		v.Twice = v.Twice[:n]
		last := v.Twice[n-1]
		p.Next = with(r, "after", (&placeKey{Origin: last.Origin, Partition: last.Partition, Position: last.Position}).text())
	}
	p.Data, p.Parts = v, []Part{{"duplicates", v.Twice}}
	return p, nil
}

// pageOf is how many rows a page has and after which key it begins.
func pageOf(r *http.Request) (n int, after *placeKey, err error) {
	if n, err = limit(r); err != nil {
		return 0, nil, err
	}
	after, err = parsePlace(r, "after")
	return n, after, err
}

// rawAsked reports whether the text of rows and messages is asked for: it is personal data, and shown to nobody who did
// not ask.
func rawAsked(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("raw") {
	case "", "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fault.Failf(fault.ExitUsage, "raw is 0 or 1")
}
