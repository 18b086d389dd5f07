package collect

import (
	"context"
	"encoding/json"

	"github.com/txflow/txflow/internal/event"
)

// States says what became of an event.
type States interface {
	// EventState returns nil for an event that is nowhere (yet).
	EventState(ctx context.Context, id event.ID) (*State, error)
}

// State is what GET /events/{id} answers.
type State struct {
	ID            string `json:"id"`
	State         string `json:"state"` // raw, silver, gold, duplicate, dead_letter or erased
	Token         string `json:"-"`     // of its sender: others do not see it
	CorrelationID string `json:"correlation_id,omitempty"`
	Type          string `json:"type,omitempty"`
	ReceivedAt    string `json:"received_at,omitempty"`  // RFC 3339
	PublishedAt   string `json:"published_at,omitempty"` // RFC 3339
	ProcessedAt   string `json:"processed_at,omitempty"` // RFC 3339
	Topic         string `json:"topic,omitempty"`
	Partition     *int32 `json:"partition,omitempty"`
	Offset        *int64 `json:"offset,omitempty"`
	Context       string `json:"context,omitempty"`
	Score         string `json:"score,omitempty"`
	DuplicateOf   string `json:"duplicate_of,omitempty"` // TOPIC/PARTITION:OFFSET of the first
	Code          string `json:"code,omitempty"`         // of a dead letter
	Pointer       string `json:"pointer,omitempty"`
	Message       string `json:"message,omitempty"`
	DeadLetter    string `json:"dead_letter,omitempty"` // open, replayed, resolved or purged
	TraceID       string `json:"trace_id,omitempty"`
}

func (s *State) document() []byte {
	b, _ := json.Marshal(s) // plain data
	return append(b, '\n')
}
