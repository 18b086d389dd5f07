package pipeline

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/ledger"
)

// Headers that txflow gives to messages.
const (
	HeaderReason  = "txflow-reason"  // of a dead letter: its code
	HeaderError   = "txflow-error"   // of a dead letter: what is wrong, in words
	HeaderOrigin  = "txflow-origin"  // of a dead letter: the topic that it came from
	HeaderReplays = "txflow-replays" // how often the message was replayed
	HeaderVersion = "txflow-version" // of a replay: its origin's version, in microseconds since 1970
	HeaderTime    = "txflow-time"    // when it was produced, in microseconds since 1970: the broker notes when it came
	HeaderTrace   = "traceparent"    // W3C
)

// Header is one header of a message. A name may repeat.
type Header = ledger.Header

// Message is a message as it was consumed, or a gap: offsets that retention deleted before they were read.
type Message struct {
	Topic     string
	LogID     string // "CLUSTER_ID/TOPIC_ID": a topic that is deleted and created again is another one
	Partition int32
	Offset    int64
	Gap       int64 // so many offsets from Offset on are deleted; 0 for a message
	Key       []byte
	Value     []byte
	Headers   []Header  // all of them, in their order
	Time      time.Time // when it was produced, by the clock of its producer; zero when unknown

	Version    int64 // microseconds since 1970: how new the contents are; of a replay no newer than its origin
	LogVersion int64 // the version by the message's place in the partition: it grows with the offset, whatever clocks do

	Traceparent string // W3C, "" without one
	Replays     int    // how often it was replayed from the dead letters

	Epoch uint64 // the session's, when the message was polled: see Session
}

// SetHeaders takes over the headers of a message and what txflow's own say. Time and LogVersion are set before.
func (m *Message) SetHeaders(headers []Header) {
	m.Headers, m.Version = headers, m.LogVersion
	for i := range headers {
		switch h := &headers[i]; h.Name {
		case HeaderTrace:
			m.Traceparent = string(h.Value)
		case HeaderReplays:
			m.Replays = int(decimal(h.Value))
		case HeaderVersion: // a replay is as new as its origin was
			if origin := decimal(h.Value); origin > 0 {
				m.Version = min(m.LogVersion, origin)
			}
		case HeaderTime:
			if at := decimal(h.Value); at > 0 {
				m.Time = time.UnixMicro(at)
			}
		}
	}
}

// decimal reads a number in a header; 0 for anything else.
func decimal(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// headerBytes is what a header takes in a dead letter besides its name and value, in bytes, or less.
const headerBytes = 32

// size is what a message takes in a dead letter, but for Base64: its value, key and headers.
func (m *Message) size() int {
	n := len(m.Value) + len(m.Key)
	for i := range m.Headers {
		n += headerBytes + len(m.Headers[i].Name) + len(m.Headers[i].Value)
	}
	return n
}

// Next is the offset that follows.
func (m *Message) Next() int64 { return m.Offset + max(m.Gap, 1) }

// Origin is where the message is, as tables and dead letters name it.
func (m *Message) Origin() ledger.Origin {
	return ledger.Origin{Origin: m.Topic, Digest: m.LogID, Partition: m.Partition,
		Position: uint64(m.Offset)}
}

// TraceID is the trace that the message carries, "" without a valid one.
func (m *Message) TraceID() string {
	if sc := m.span(); sc.IsValid() {
		return sc.TraceID().String()
	}
	return ""
}

func (m *Message) span() trace.SpanContext { return spanOf(m.Traceparent) }

// Record is a message to be written.
type Record struct {
	Topic      string
	Pinned     bool  // it goes to Partition; else its key decides
	Partition  int32 // of a pinned record
	Key, Value []byte
	Headers    []Header
}
