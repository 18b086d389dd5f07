package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// States of an event, as far as ClickHouse knows: the first of them that is true.
const (
	EventGold   = "gold"        // it is in events
	EventErased = "erased"      // it was, and its user is forgotten
	EventDead   = "dead_letter" // it was refused
	EventRaw    = "raw"         // it is in events.raw, and ClickHouse knows no more
)

// EventState is where an event is. Fields that the state does not have are zero.
type EventState struct {
	State                                string
	Token                                string // of its sender
	CorrelationID, Type, Context, Score  string
	ReceivedAt, PublishedAt, ProcessedAt time.Time
	Topic                                string // "" for what never was in one
	Partition                            int32
	Offset                               int64
	Code, Pointer, Message, DeadLetter   string // of a dead letter: why, where, and its own state
	TraceID                              string
}

// EventState says where an event is; nil for one that ClickHouse knows nothing of.
func (s *Store) EventState(ctx context.Context, id event.ID) (*EventState, error) {
	for _, look := range []func(context.Context, string) (*EventState, error){s.goldState, s.erasedState,
		s.deadLetterState, s.rawState} {
		state, err := look(ctx, id.String())
		if err != nil || state != nil {
			return state, err
		}
	}
	return nil, nil
}

// one scans the only row of the statement of a file; it reports false where there is none.
func (s *Store) one(ctx context.Context, name, id string, dest ...any) (bool, error) {
	err := s.row(ctx, name, named("id", id), dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) goldState(ctx context.Context, id string) (*EventState, error) {
	e := EventState{State: EventGold}
	var position uint64
	found, err := s.one(ctx, "events/gold", id, &e.Token, &e.CorrelationID,
		&e.Type, &e.Context, &e.Score,
		&e.ReceivedAt, &e.PublishedAt, &e.ProcessedAt, &e.Topic, &e.Partition, &position, &e.TraceID)
	if !found {
		return nil, err
	}
	e.Offset = int64(position)
	return &e, nil
}

func (s *Store) erasedState(ctx context.Context, id string) (*EventState, error) {
	e := EventState{State: EventErased}
	var n, ids uint64
	found, err := s.one(ctx, "events/erased", id, &n, &ids, &e.Token)
	if !found || n+ids == 0 {
		return nil, err
	}
	return &e, nil
}

func (s *Store) deadLetterState(ctx context.Context, id string) (*EventState, error) {
	e := EventState{State: EventDead}
	var digest string
	var position uint64
	found, err := s.one(ctx, "events/dead_letter", id, &e.Token,
		&e.Topic, &digest, &e.Partition, &position,
		&e.Code, &e.Pointer, &e.Message, &e.DeadLetter, &e.TraceID, &e.ProcessedAt)
	if !found {
		return nil, err
	}
	if e.Topic == eventsCollector {
		e.CorrelationID, e.Topic = digest, ""
		return &e, nil
	}
	e.Offset = int64(position)
	if e.Token != "" {
		return &e, nil
	}
	raw, err := s.rawState(ctx, id) // the collector's token is on the message
	if raw != nil {
		e.Token, e.PublishedAt = raw.Token, raw.PublishedAt
	}
	return &e, err
}

// eventsCollector is the origin of what the collector refused.
const eventsCollector = "collect"

func (s *Store) rawState(ctx context.Context, id string) (*EventState, error) {
	e := EventState{State: EventRaw}
	var position uint64
	found, err := s.one(ctx, "events/raw", id, &e.Token, &e.PublishedAt, &e.Topic, &e.Partition, &position)
	if !found {
		return nil, err
	}
	e.Offset = int64(position)
	return &e, nil
}
