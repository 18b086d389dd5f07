package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/txflow/txflow/internal/event"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
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
	args := named("id", st.ID)
	rows, err := s.jsonRows(ctx, statements.Text("events/story"), args...)
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
	if st.Outcomes, err = s.jsonRows(ctx, statements.Text("ledger/of_id"), args...); err != nil {
		return nil, err
	}
	st.State = st.state()
	if st.Event == nil && st.State != EventErased { // its id may be all that is left
		erased, err := s.erasedState(ctx, st.ID)
		if err != nil {
			return nil, err
		}
		if erased != nil {
			st.State = EventErased
		}
	}
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
	args := named("id", id, "limit", itoa(storyMessages))
	err = s.each(ctx, statements.Text("events/story_messages"), args, func(rows driver.Rows) error {
		var m EventMessage
		var value string
		if err := rows.Scan(&m.Topic, &m.Partition, &m.Offset, &m.RecordedAt, &m.Token, &m.Request, &m.Traceparent,
			&value); err != nil {
			return err
		}
		m.Value = []byte(value)
		out = append(out, m)
		return nil
	})
	return out, err
}

func (s *Store) eventDeadLetters(ctx context.Context, id string) (out []EventDeadLetter, err error) {
	args := named("id", id, "limit", itoa(storyMessages))
	err = s.each(ctx, statements.Text("events/story_dead_letters"), args, func(rows driver.Rows) error {
		var d EventDeadLetter
		if err := rows.Scan(&d.Origin, &d.Digest, &d.Partition, &d.Position, &d.Source, &d.Code, &d.Pointer, &d.Message,
			&d.State, &d.TraceID, &d.FirstSeen, &d.UpdatedAt); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	return out, err
}

// EventPackage returns what came in a package, by place: its events in gold, and what the collector refused. The ids
// are found by an index, which FINAL would not use.
func (s *Store) EventPackage(ctx context.Context, correlation string) (out []EventPackageItem, err error) {
	err = s.each(ctx, statements.Text("events/package"), named("package", correlation), func(rows driver.Rows) error {
		var i EventPackageItem
		if err := rows.Scan(&i.Index, &i.ID, &i.Type, &i.State); err != nil {
			return err
		}
		out = append(out, i)
		return nil
	})
	return out, err
}
