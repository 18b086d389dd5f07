// Package eventstory reads what is stored of one event: what became of each of its messages, and in which package it
// came.
package eventstory

import (
	"encoding/json"
	"fmt"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// What became of a message of events.raw.
const (
	Stored     = "stored"
	Duplicate  = "duplicate"
	DeadLetter = "dead_letter"
	Erased     = "erased"
	OnItsWay   = "on its way" // not refined yet, or not read by ClickHouse
)

// Fate is what became of a message, in words and as one of the constants.
type Fate struct{ Kind, Text string }

// Story is a store.EventStory whose row of events is read.
type Story struct {
	*store.EventStory
	row struct {
		Correlation string `json:"correlation_id"`
		Origin      string `json:"origin"`
		Partition   int32  `json:"partition"`
		Position    uint64 `json:"position"`
		ContentHash uint64 `json:"content_hash,string"`
	}
}

// Read reads the event's row, if there is one.
func Read(st *store.EventStory) (*Story, error) {
	s := &Story{EventStory: st}
	if st.Event == nil {
		return s, nil
	}
	if err := json.Unmarshal(st.Event, &s.row); err != nil {
		return nil, fault.Failf(fault.ExitFault, "ClickHouse's JSON of the event: %w", err)
	}
	return s, nil
}

// Fate says what became of one of the story's messages. One that is neither stored nor a dead letter is a duplicate
// where its contents are those that are stored.
func (s *Story) Fate(m *store.EventMessage) Fate {
	for i := range s.DeadLetters {
		if d := &s.DeadLetters[i]; d.Origin == m.Topic && d.Partition == m.Partition && d.Position == m.Offset {
			return Fate{DeadLetter, "dead letter, " + d.State + ": " + d.Code}
		}
	}
	switch g := &s.row; {
	case s.Event != nil && g.Origin == m.Topic && g.Partition == m.Partition && g.Position == m.Offset:
		return Fate{Stored, "stored"}
	case s.Event != nil && hasContents(m.Value, g.ContentHash):
		return Fate{Duplicate, fmt.Sprintf("duplicate of %s/%d:%d", g.Origin, g.Partition, g.Position)}
	case s.State == store.EventErased:
		return Fate{Erased, "erased"}
	}
	return Fate{OnItsWay, "not refined, or not read by ClickHouse, yet"}
}

// hasContents reports whether a message of events.raw has the contents of a hash.
func hasContents(value []byte, hash uint64) bool {
	e, err := events.ParseMessage(value)
	return err == nil && e.ContentHash() == hash
}

// Correlation is the id of the event's package; "" where it is unknown.
func (s *Story) Correlation() string {
	if s.Event != nil {
		return s.row.Correlation
	}
	for i := range s.DeadLetters {
		if s.DeadLetters[i].Origin == events.Collector { // which has no other place than the package
			return s.DeadLetters[i].Digest
		}
	}
	for i := range s.Messages {
		if e, err := events.ParseMessage(s.Messages[i].Value); err == nil {
			return e.Correlation.String()
		}
	}
	return ""
}
