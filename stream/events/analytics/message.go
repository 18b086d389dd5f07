package analytics

import (
	"encoding/json"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// Message is a message of events.analytics. Its key is a JSON array of the kind and of what it goes by, which is in the
// message, too. A message without a value says that there are no such events any more.
type Message struct {
	Rollup       event.RollupKind `json:"rollup"`     // hour, account or type
	AccountID    string           `json:"account_id"` // "" for a type
	Type         string           `json:"type"`       // "" for an account
	Context      string           `json:"context"`    // "" for an account
	Hour         string           `json:"hour"`       // RFC 3339, UTC; "" but for an hour
	Events       uint64           `json:"events"`
	Users        uint64           `json:"users"`
	AverageScore string           `json:"average_score"` // decimal
	Excellent    uint64           `json:"excellent"`
	Good         uint64           `json:"good"`
	Fair         uint64           `json:"fair"`
	Poor         uint64           `json:"poor"`
	Late         uint64           `json:"late"`
	Future       uint64           `json:"future"`
	FirstEventAt string           `json:"first_event_at"` // RFC 3339, UTC
	LastEventAt  string           `json:"last_event_at"`  // RFC 3339, UTC
}

// encode makes the key and the value of a roll-up's message: the same of the same roll-up.
func encode(r *event.Rollup) (key, value []byte) {
	m := Message{Rollup: r.Kind, AccountID: r.Account, Type: r.Type, Context: r.Context, Events: r.Events, Users: r.Users,
		AverageScore: r.AverageScore, Excellent: r.Excellent, Good: r.Good, Fair: r.Fair, Poor: r.Poor, Late: r.Late,
		Future: r.Future, FirstEventAt: r.FirstEvent.UTC().Format(time.RFC3339Nano),
		LastEventAt: r.LastEvent.UTC().Format(time.RFC3339Nano)}
	by := []string{string(r.Kind)}
	switch r.Kind {
	case event.RollupHour:
		m.Hour = r.Hour.UTC().Format(time.RFC3339)
		by = append(by, r.Account, r.Type, r.Context, m.Hour)
	case event.RollupAccount:
		by = append(by, r.Account)
	case event.RollupType:
		by = append(by, r.Type, r.Context)
	}
	key, _ = json.Marshal(by)
	value, _ = json.Marshal(m) // plain data
	return key, value
}
