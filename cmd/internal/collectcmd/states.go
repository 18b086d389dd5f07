package collectcmd

import (
	"context"
	"log/slog"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events/collect"
	"github.com/txflow/txflow/stream/kafka"
)

// states answers what became of an event by asking ClickHouse, and Kafka for how far refine is.
type states struct {
	db    *store.Store
	admin *kafka.Admin
	group string // of refine
	log   *slog.Logger
}

// stateTime bounds a question: a sender waits for its answer.
const stateTime = 5 * time.Second

// EventState implements collect.States.
func (s *states) EventState(ctx context.Context, id event.ID) (*collect.State, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTime)
	defer cancel()
	is, err := s.db.EventState(ctx, id)
	if err != nil || is == nil {
		return nil, err
	}
	state := &collect.State{ID: id.String(), State: is.State, Token: is.Token, CorrelationID: is.CorrelationID,
		Type:       is.Type,
		ReceivedAt: rfc3339(is.ReceivedAt), PublishedAt: rfc3339(is.PublishedAt), ProcessedAt: rfc3339(is.ProcessedAt),
		Topic: is.Topic, Context: is.Context, Score: is.Score, Code: is.Code, Pointer: is.Pointer, Message: is.Message,
		DeadLetter: is.DeadLetter, TraceID: is.TraceID}
	if is.Topic != "" {
		state.Partition, state.Offset = &is.Partition, &is.Offset
	}
	if is.State == store.EventRaw && s.refined(ctx, is) {
		state.State = "silver"
	}
	return state, nil
}

// refined reports whether refine is done with an event that ClickHouse only knows from events.raw: what it made of it
// is in Kafka, and on its way to ClickHouse. Where Kafka does not answer the event counts as raw, which it was.
func (s *states) refined(ctx context.Context, is *store.EventState) bool {
	committed, err := s.admin.Committed(ctx, s.group, is.Topic, is.Partition)
	if err != nil {
		s.log.WarnContext(ctx, "how far refine is can not be asked: the event is reported as raw", "error", err)
	}
	return err == nil && committed > is.Offset
}

// rfc3339 writes a time, and nothing for none.
func rfc3339(t time.Time) string {
	if t.IsZero() || t.UnixMicro() == 0 {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
