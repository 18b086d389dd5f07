package ui

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
)

// eventsView is what came in lately.
type eventsView struct {
	Types []eventType
	At    time.Time // when the types were counted
	Last  []eventRow
}

// eventType counts the events of a type and context.
type eventType struct {
	Type    string  `ch:"type" json:"type"`
	Context string  `ch:"context" json:"context"`
	Events  uint64  `ch:"events" json:"events"`
	Score   float64 `ch:"average_score" json:"average_score"`
	Poor    uint64  `ch:"poor" json:"poor"` // with a score below 0.5
	Late    uint64  `ch:"late" json:"late"`
	Newest  chTime  `ch:"newest_us" json:"newest"`
}

// eventRow is an event in a list.
type eventRow struct {
	ID         uuid.UUID `ch:"id" json:"event_id"`
	Type       string    `ch:"type" json:"type"`
	Context    string    `ch:"context" json:"context"`
	Score      string    `ch:"score" json:"score"`
	Account    string    `ch:"account" json:"account_id"`
	User       string    `ch:"user" json:"user_id"`
	At         chTime    `ch:"at_us" json:"timestamp"`
	Late       bool      `ch:"late" json:"late"`
	Future     bool      `ch:"future" json:"future"`
	InsertedAt time.Time `ch:"inserted_at" json:"inserted_at"`
}

// eventsPage lists events; with ?q it goes to the event of that id.
func (u *UI) eventsPage(r *http.Request) (*page, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	p := &page{View: "events", Title: "Events", Section: "Events"}
	if q := strings.TrimSpace(r.URL.Query().Get("q")); q != "" {
		id, err := eventID(q)
		if err != nil {
			return nil, err
		}
		if format, _ := formatOf(r); format == "html" {
			p.To = eventPath(id.String())
			return p, nil
		}
	}
	v := &eventsView{}
	types := u.eventTypes.get(r.Context())
	switch v.Types, v.At = types.Value, types.At; {
	case types.Err != nil && !types.Known():
		return nil, types.Err
	case types.Err != nil:
		p.Notes = append(p.Notes, "types: "+types.Err.Error())
	}
	if v.Last, err = rows[eventRow](r.Context(), u.cfg.DB, "events_last", values{"limit": itoa(n)}); err != nil {
		return nil, err
	}
	p.Data, p.Parts = v, []Part{{"types", v.Types}, {"events", v.Last}}
	return p, nil
}

func (u *UI) loadEventTypes(ctx context.Context) ([]eventType, error) {
	return rows[eventType](ctx, u.cfg.DB, "events_types", nil)
}

// eventID reads the id of an event from an address.
func eventID(text string) (event.ID, error) {
	id, ok := event.ParseID(text)
	if !ok {
		return id, fault.WithHint(fault.Failf(fault.ExitUsage, "%q is no UUID", plain(text)),
			"the id of an event is the one that POST /collect answers for each item")
	}
	return id, nil
}

func eventPath(id string) string { return "/events/" + id }
