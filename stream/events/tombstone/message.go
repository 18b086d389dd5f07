// Package tombstone knows which persons are forgotten: txflow events forget writes tombstones to the compacted topic
// events.tombstones before it erases anything, and whoever passes events on follows that topic.
package tombstone

import (
	"encoding/json"
	"fmt"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// message is the value of a message of events.tombstones; its key is the hash.
type message struct {
	Hash  string      `json:"hash"` // in hexadecimal
	Scope event.Scope `json:"scope"`
	KeyID string      `json:"key_id"`
	// Before is in microseconds since 1970; 0 for Margin after the message's own time, by the broker's clock.
	Before int64 `json:"before_us"`
}

// Margin is how much longer than its own time a tombstone reaches, in microseconds: the clocks of brokers differ, and
// versions of messages run ahead of the clock a little where many come in one millisecond.
const Margin = 1_000_000

// Record is the message of a tombstone. With At 0 the broker's clock decides about the time.
func Record(t *event.Tombstone) pipeline.Record {
	value, err := json.Marshal(message{t.Hash.String(), t.Scope, t.KeyID, t.At})
	if err != nil {
		panic("a tombstone is plain data: " + err.Error())
	}
	return pipeline.Record{Topic: events.Tombstones, Key: []byte(t.Hash.String()), Value: value}
}

// parse reads a message of events.tombstones.
func parse(m *pipeline.Message) (t event.Tombstone, err error) {
	var v message
	if err := json.Unmarshal(m.Value, &v); err != nil {
		return t, fmt.Errorf("%s, offset %d, is no tombstone: %w", events.Tombstones, m.Offset, err)
	}
	hash, ok := event.ParsePersonHash(v.Hash)
	if !ok || v.KeyID == "" || v.Scope != event.ScopeUser && v.Scope != event.ScopeAccount &&
		v.Scope != event.ScopeUserOfAccount {
		return t, fmt.Errorf("%s, offset %d, is no tombstone that this release knows", events.Tombstones, m.Offset)
	}
	t = event.Tombstone{Hash: hash, Scope: v.Scope, KeyID: v.KeyID, At: v.Before}
	if t.At == 0 {
		t.At = m.Time.UnixMicro() + Margin
	}
	return t, nil
}
