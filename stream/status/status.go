// Package status says how far consumer groups are behind, how fast they go, and how long their messages wait.
package status

import (
	"errors"
	"time"
)

// Partition is how far a group is in a partition. Offsets are of the next message.
type Partition struct {
	Number    int32     `json:"partition"`
	Committed int64     `json:"committed"` // -1 when nothing is yet
	Begin     int64     `json:"begin"`     // of the oldest message that is kept
	End       int64     `json:"end"`       // after the last message of a transaction that is committed
	Owner     string    `json:"owner"`     // the client that reads it, "" for none
	Oldest    time.Time `json:"oldest,omitzero"`
}

// Next is the offset that the group reads next: the oldest, when it has committed nothing or what it committed is gone.
func (p *Partition) Next() int64 { return max(p.Committed, p.Begin) }

// Lag is how many messages wait. Where producers write in transactions, their markers count too.
func (p *Partition) Lag() int64 { return max(p.End-p.Next(), 0) }

// Look is a group as it was found.
type Look struct {
	At         time.Time
	Group      string
	Topic      string
	State      string // Kafka's word for it; "" when the group does not exist
	Members    int
	Partitions []Partition // by number
}

// Status is a group in figures.
type Status struct {
	Group      string      `json:"group"`
	Topic      string      `json:"topic"`
	State      string      `json:"state"`
	Members    int         `json:"members"`
	Lag        int64       `json:"lag"`
	Consumed   float64     `json:"consumed_per_second"`
	Produced   float64     `json:"produced_per_second"`
	Delay      float64     `json:"delay_seconds"`     // age of the oldest message that is not committed; 0 for none
	Stalled    string      `json:"stalled,omitempty"` // why ClickHouse does not progress while messages wait
	Partitions []Partition `json:"partitions"`
}

// ErrNoTopic says that there is no such topic (yet).
var ErrNoTopic = errors.New("has no topic")

// Missing is the state of a group that does not exist.
const Missing = "does not exist yet"

// Of makes a status of two looks at a group. Rates are those between them, for partitions that both saw.
func Of(before, now Look) Status {
	s := Status{Group: now.Group, Topic: now.Topic, State: now.State, Members: now.Members, Partitions: now.Partitions}
	if s.State == "" {
		s.State = Missing
	}
	former := map[int32]Partition{}
	for _, p := range before.Partitions {
		former[p.Number] = p
	}
	var consumed, produced int64
	for _, p := range now.Partitions {
		s.Lag += p.Lag()
		if !p.Oldest.IsZero() {
			s.Delay = max(s.Delay, now.At.Sub(p.Oldest).Seconds())
		}
		if f, ok := former[p.Number]; ok {
			consumed += max(p.Next()-f.Next(), 0) // an offset may be set back
			produced += max(p.End-f.End, 0)
		}
	}
	if took := now.At.Sub(before.At).Seconds(); took > 0 {
		s.Consumed, s.Produced = float64(consumed)/took, float64(produced)/took
	}
	return s
}
