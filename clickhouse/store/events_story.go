package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/event"
)

// EventStory is all that is known of one event id.
type EventStory struct {
	ID          string             `json:"id"`
	State       string             `json:"state"` // as EventState has it; "" where nothing is known
	Event       json.RawMessage    `json:"event"` // the row of events; null without one
	Messages    []EventMessage     `json:"messages"`
	Outcomes    []json.RawMessage  `json:"outcomes"`
	DeadLetters []EventDeadLetter  `json:"dead_letters"`
	Package     []EventPackageItem `json:"package"` // what else came in the package, by place
}

// EventMessage is a message of events.raw with the id.
type EventMessage struct {
	Topic       string    `json:"topic"`
	Partition   int32     `json:"partition"`
	Offset      uint64    `json:"offset"`
	RecordedAt  time.Time `json:"recorded_at"`
	Token       string    `json:"token,omitempty"`
	Request     string    `json:"request,omitempty"`
	Traceparent string    `json:"traceparent,omitempty"`
	Value       []byte    `json:"-"`
	Fate        string    `json:"fate,omitempty"` // what became of it; the caller's, who can read the value
}

// EventDeadLetter is a dead letter with the id.
type EventDeadLetter struct {
	Origin    string    `json:"origin"`
	Digest    string    `json:"origin_digest"`
	Partition int32     `json:"partition"`
	Position  uint64    `json:"position"`
	Source    string    `json:"source,omitempty"`
	Code      string    `json:"code"`
	Pointer   string    `json:"pointer,omitempty"`
	Message   string    `json:"message"`
	State     string    `json:"state"`
	TraceID   string    `json:"trace_id,omitempty"`
	FirstSeen time.Time `json:"first_seen"`
	UpdatedAt time.Time `json:"updated_at"`
}

// EventPackageItem is another event of a package.
type EventPackageItem struct {
	Index int32  `json:"index"`
	ID    string `json:"id"`
	Type  string `json:"type,omitempty"`
	State string `json:"state"` // gold or dead_letter
}

// EventStory looks up an event from its package to gold.
func (s *Store) EventStory(ctx context.Context, id event.ID) (*EventStory, error) {
	st := &EventStory{ID: id.String()}
	named := clickhouse.Named("id", st.ID)
	rows, err := s.jsonRows(ctx, `SELECT * EXCEPT (data) REPLACE (toString(content_hash) AS content_hash, toDecimalString(score, 4) AS score)
FROM events FINAL WHERE event_id = {id:UUID}`, named)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		st.Event = rows[0]
	}
	if st.Messages, err = s.eventMessages(ctx, st.ID); err != nil {
		return nil, err
	}
	if st.DeadLetters, err = s.eventDeadLetters(ctx, st.ID); err != nil {
		return nil, err
	}
	if st.Outcomes, err = s.jsonRows(ctx, outcomesOfID, named); err != nil {
		return nil, err
	}
	st.State = st.state()
	return st, nil
}

func (st *EventStory) state() string {
	for _, o := range st.Outcomes {
		var entry struct{ Outcome string }
		if json.Unmarshal(o, &entry) == nil && entry.Outcome == EventErased && st.Event == nil {
			return EventErased
		}
	}
	switch {
	case st.Event != nil:
		return EventGold
	case len(st.DeadLetters) > 0:
		return EventDead
	case len(st.Messages) > 0:
		return EventRaw
	}
	return ""
}

// storyMessages bounds how many messages and dead letters of one id are looked at: a sender may send one for ever.
const storyMessages = 100

func (s *Store) eventMessages(ctx context.Context, id string) (out []EventMessage, err error) {
	rows, err := s.query(ctx, `SELECT origin, partition, position, recorded_at, token, request, traceparent, value FROM events_bronze FINAL
WHERE id = {id:UUID} ORDER BY recorded_at, partition, position LIMIT `+itoa(storyMessages), clickhouse.Named("id", id))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var m EventMessage
		var value string
		if err := rows.Scan(&m.Topic, &m.Partition, &m.Offset, &m.RecordedAt, &m.Token, &m.Request, &m.Traceparent,
			&value); err != nil {
			return nil, err
		}
		m.Value = []byte(value)
		out = append(out, m)
	}
	return out, s.explain(rows.Err())
}

func (s *Store) eventDeadLetters(ctx context.Context, id string) (out []EventDeadLetter, err error) {
	rows, err := s.query(ctx, `SELECT origin, origin_digest, partition, position, source, code, column, message, toString(state), trace_id, first_seen, updated_at
FROM dead_letters FINAL WHERE id = {id:UUID} AND pipeline = 'events' ORDER BY first_seen, origin, partition, position LIMIT `+itoa(storyMessages), clickhouse.Named("id", id))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var d EventDeadLetter
		if err := rows.Scan(&d.Origin, &d.Digest, &d.Partition, &d.Position, &d.Source, &d.Code, &d.Pointer, &d.Message,
			&d.State, &d.TraceID, &d.FirstSeen, &d.UpdatedAt); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, s.explain(rows.Err())
}

// EventPackage returns what came in a package, by place: its events in gold, and what the collector refused. The ids are
// found by an index, which FINAL would not use.
func (s *Store) EventPackage(ctx context.Context, correlation string) (out []EventPackageItem, err error) {
	rows, err := s.query(ctx, `SELECT place, id, t, state FROM (SELECT package_index AS place, toString(event_id) AS id, toString(type) AS t, 'gold' AS state FROM events FINAL
WHERE event_id IN (SELECT event_id FROM events WHERE correlation_id = toUUIDOrZero({package:String})) AND correlation_id = toUUIDOrZero({package:String})
UNION ALL
SELECT toInt32(least(position, 2147483647)), toString(id), '', 'dead_letter' FROM dead_letters FINAL
WHERE pipeline = 'events' AND origin = 'collect' AND origin_digest = {package:String} AND partition = 0)
ORDER BY place, id LIMIT 10000`, clickhouse.Named("package", correlation))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var i EventPackageItem
		if err := rows.Scan(&i.Index, &i.ID, &i.Type, &i.State); err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, s.explain(rows.Err())
}
