// Package deadletter is the form of a dead letter in Kafka, the same for every pipeline: a JSON object that ClickHouse
// reads as a row of incoming_dead_letters.
package deadletter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/ledger"
)

// Message is the value of a dead letter.
type Message struct {
	Pipeline     string `json:"pipeline"`
	RunID        string `json:"run_id"`
	Source       string `json:"source"`
	Origin       string `json:"origin"`        // topic
	OriginDigest string `json:"origin_digest"` // "CLUSTER_ID/TOPIC_ID"
	Partition    int32  `json:"partition"`
	Position     uint64 `json:"position"` // offset
	ID           string `json:"id"`       // the zero UUID when none can be read
	SourceID     string `json:"source_id"`
	ContentHash  uint64 `json:"content_hash"`
	Outcome      string `json:"outcome"`
	Column       string `json:"column"`
	Code         string `json:"code"`
	Message      string `json:"message"`
	Raw          string `json:"raw"` // Base64 of the message as it came
	// Key and Headers are the message's own, in Base64: they may be any bytes. Messages of older releases have neither.
	Key          []byte   `json:"key"`     // null for none
	Headers      []Header `json:"headers"` // in their order
	Attempt      uint16   `json:"attempt"`
	ModelVersion string   `json:"model_version"`
	TraceID      string   `json:"trace_id"`
	SpanID       string   `json:"span_id"`
	Traceparent  string   `json:"traceparent"` // W3C, "" without one
	Replays      uint16   `json:"replays"`     // how often it had been replayed when it was judged
	At           string   `json:"at"`          // UTC, YYYY-MM-DD HH:MM:SS.ffffff
	VersionUS    int64    `json:"version_us"`  // microseconds since 1970: how new the contents are
}

// Header is a header of the message. Its value may be null.
type Header struct {
	Name  []byte `json:"name"`
	Value []byte `json:"value"`
}

const timestampLayout = "2006-01-02 15:04:05.000000"

// Append appends the value of a dead letter that was replayed so often before, and came with a traceparent.
func Append(b []byte, info *ledger.RunInfo, d *ledger.DeadLetter, replays int, traceparent string) []byte {
	m := Message{Pipeline: info.Pipeline, RunID: info.RunID, Source: info.Source,
		Origin: d.Origin.Origin, OriginDigest: d.Origin.Digest, Partition: d.Origin.Partition, Position: d.Origin.Position,
		ID: "00000000-0000-0000-0000-000000000000", SourceID: strings.ToValidUTF8(d.SourceID, "\uFFFD"),
		ContentHash: d.ContentHash, Outcome: string(d.Outcome), Column: d.Column, Code: string(d.Code), Message: d.Message,
		Raw: base64.StdEncoding.EncodeToString(d.Raw), Replays: uint16(min(max(replays, 0), 1<<16-1)), VersionUS: d.Version,
		Key: d.Key, Headers: make([]Header, len(d.Headers)), Traceparent: traceparent,
		At: d.At.UTC().Truncate(time.Microsecond).Format(timestampLayout)}
	for i, h := range d.Headers {
		m.Headers[i] = Header{Name: []byte(h.Name), Value: h.Value}
	}
	if d.ID != nil {
		m.ID = d.ID.String()
	}
	if c := d.Call; c != nil {
		m.Attempt = uint16(min(c.Attempt, 1<<16-1))
		m.ModelVersion, m.TraceID, m.SpanID = c.Model, c.TraceID, c.SpanID
	}
	return append(b, encode(m)...)
}

// encode writes compact JSON, with < > & as they are.
func encode(v any) []byte {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("a dead letter is plain data: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}
