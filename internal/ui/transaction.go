package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

// transactionView is all that is known of one id.
type transactionView struct {
	ID          string
	Current     *transactionRow
	Older       []transactionRow // rows that a merge has not yet removed
	Outcomes    []outcomeRow
	DeadLetters []lineageDeadLetter
	Tasks       []lineageTask
	Steps       []step
}

// outcomeRow is an entry of the ledger, as store.Lineage has it.
type outcomeRow struct {
	Pipeline      string `json:"pipeline"`
	RunID         string `json:"run_id"`
	Origin        string `json:"origin"`
	Partition     int32  `json:"partition"`
	Position      uint64 `json:"position"`
	Outcome       string `json:"outcome"`
	Code          string `json:"code"`
	Category      string `json:"category"`
	Model         string `json:"model_version"`
	Version       chTime `json:"version"`
	ClassifiedAt  chTime `json:"classified_at"`
	FirstOrigin   string `json:"first_origin"`
	FirstPosition uint64 `json:"first_position"`
	RecordedAt    chTime `json:"recorded_at"`
}

type lineageDeadLetter struct {
	Origin    string `json:"origin"`
	Partition int32  `json:"partition"`
	Position  uint64 `json:"position"`
	RunID     string `json:"run_id"`
	Outcome   string `json:"outcome"`
	Column    string `json:"column"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	State     string `json:"state"`
	UpdatedAt chTime `json:"updated_at"`
}

// Path is the address of the dead letter.
func (l *lineageDeadLetter) Path() string { return deadLetterPath(l.Origin, l.Partition, l.Position) }

type lineageTask struct {
	Task       string `json:"task"`
	Index      int32  `json:"task_index"`
	Try        uint16 `json:"try"`
	Status     string `json:"status"`
	In         uint64 `json:"rows_in"`
	StartedAt  chTime `json:"started_at"`
	DurationMS uint64 `json:"duration_ms"`
	TraceID    string `json:"trace_id"`
}

// step is a stage on the way from where a row stood to the table.
type step struct {
	Name  string
	Text  string
	More  string
	To    string
	Word  string
	Class string
}

// chTime is a time as ClickHouse writes it in JSON, in UTC.
type chTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *chTime) UnmarshalJSON(b []byte) (err error) {
	var s string
	if err = json.Unmarshal(b, &s); err == nil && s != "" {
		t.Time, err = time.Parse("2006-01-02 15:04:05.999999999", s)
	}
	return err
}

// Scan takes microseconds since 1970: the driver's own times reach from 1678 to 2262 only.
func (t *chTime) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is %T, not microseconds", v)
	}
	t.Time = time.UnixMicro(us).UTC()
	return nil
}

func (u *UI) transactionPage(r *http.Request) (*page, error) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "%q is no UUID", plain(r.PathValue("id"))),
			"search for the id of a source at /transactions?q=ID")
	}
	l, err := u.cfg.DB.Lineage(r.Context(), transaction.ID(id))
	if err != nil {
		return nil, err
	}
	if !l.Found() {
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "nothing is known of id %s", id),
			"an id of a file is another UUID for each source: search for it as the file has it")
	}
	v := &transactionView{ID: id.String()}
	if v.Older, err = rows[transactionRow](r.Context(), u.cfg.DB, "versions", values{"id": v.ID}); err != nil {
		return nil, err
	}
	if len(v.Older) > 0 {
		v.Current, v.Older = &v.Older[0], v.Older[1:]
	}
	for _, part := range []struct {
		from []json.RawMessage
		add  func(json.RawMessage) error
	}{
		{l.Outcomes, appendTo(&v.Outcomes)}, {l.DeadLetters, appendTo(&v.DeadLetters)}, {l.Tasks, appendTo(&v.Tasks)},
	} {
		for _, raw := range part.from {
			if err := part.add(raw); err != nil {
				return nil, fault.Failf(fault.ExitFault, "ClickHouse's JSON of the lineage: %w", err)
			}
		}
	}
	current := []transactionRow{}
	if v.Current != nil {
		current = append(current, *v.Current)
		v.addSteps()
	}
	return &page{View: "transaction", Title: "Transaction", Section: "Transactions", Data: v,
		Parts: []Part{{"transaction", current}, {"outcomes", v.Outcomes}, {"dead_letters", v.DeadLetters}, {"tasks", v.Tasks},
			{"older", v.Older}}}, nil
}

func appendTo[T any](to *[]T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var row T
		err := json.Unmarshal(raw, &row)
		*to = append(*to, row)
		return err
	}
}

// addSteps says how the current row came to be: where it stood, which call answered, where it is.
func (v *transactionView) addSteps() {
	t := v.Current
	if t.Pipeline == "batch" {
		v.Steps = append(v.Steps, step{Name: "File", Text: fileName(t.Origin), More: "line " + number(t.Position),
			To: runPath(t.RunID), Word: "run " + t.RunID})
	} else {
		v.Steps = append(v.Steps, step{Name: "Topic", Text: t.Origin, More: "partition " + number(t.Partition) + ", offset " +
			number(t.Position), To: "/stream", Word: "group " + t.RunID})
	}
	ml := step{Name: "ML API", Text: t.Category, More: "model " + t.Model}
	if t.TraceID != "" {
		ml.To, ml.Word = "/traces/"+t.TraceID+"?span="+t.SpanID, "trace"
	}
	v.Steps = append(v.Steps, ml, step{Name: "Stored", Text: t.InsertedAt.UTC().Format(time.DateTime),
		More: "contents as of " + t.Version.UTC().Format(time.DateTime), Class: "good"})
}
