package events

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/avro"

	"github.com/txflow/txflow/internal/event"
)

// RawSchema is the Avro schema of the values of events.raw.
//
//go:embed raw.avsc
var RawSchema string

// RawSchemas are all versions of it, the oldest first.
var RawSchemas = []string{RawSchema}

var rawSchema = avro.MustParse(RawSchema)

// raw is Event in Avro.
type raw struct {
	EventID            string     `avro:"event_id"`
	CorrelationID      string     `avro:"correlation_id"`
	PackageIndex       int32      `avro:"package_index"`
	Token              string     `avro:"token"`
	ReceivedAt         time.Time  `avro:"received_at"`
	Form               string     `avro:"form"`
	Type               string     `avro:"type"`
	TargetSubscription string     `avro:"target_subscription"`
	AccountID          string     `avro:"account_id"`
	UserID             string     `avro:"user_id"`
	MessageID          string     `avro:"message_id"`
	TimestampText      string     `avro:"timestamp_text"`
	Timestamp          *time.Time `avro:"timestamp"`
	Platform           string     `avro:"platform"`
	Device             string     `avro:"device"`
	AmplitudeID        string     `avro:"amplitude_id"`
	IPAddress          string     `avro:"ip_address"`
	UserAgent          string     `avro:"user_agent"`
	SessionID          string     `avro:"session_id"`
	Data               string     `avro:"data"`
	Attributes         string     `avro:"attributes"`
	Extra              string     `avro:"extra"`
}

// AppendRaw appends the Avro of an event, without the header of the wire format. It is written out, field by field in
// the order
// of the schema: the collector does it for each event.
func AppendRaw(dst []byte, e *event.Event) []byte {
	dst = appendID(dst, e.ID)
	dst = appendID(dst, e.Correlation)
	dst = binary.AppendVarint(dst, int64(e.Index))
	dst = appendText(dst, e.Token)
	dst = binary.AppendVarint(dst, e.Received)
	for _, text := range [...]string{string(e.Form), e.Type, e.TargetSubscription, e.AccountID, e.UserID, e.MessageID,
		e.TimestampText} {
		dst = appendText(dst, text)
	}
	if e.HasTimestamp { // the second branch of the union
		dst = binary.AppendVarint(binary.AppendVarint(dst, 1), e.Timestamp)
	} else {
		dst = binary.AppendVarint(dst, 0)
	}
	for _, text := range [...]string{e.Platform, e.Device, e.AmplitudeID, e.IPAddress, e.UserAgent, e.SessionID, e.Data,
		e.Attributes, e.Extra} {
		dst = appendText(dst, text)
	}
	return dst
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendVarint(dst, int64(len(text))), text...)
}

func appendID(dst []byte, id event.ID) []byte { return id.Append(binary.AppendVarint(dst, 36)) }

// AppendHeader appends the header of Confluent's wire format: a zero byte and the schema's id.
func AppendHeader(dst []byte, schema int32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(schema)) //nolint:gosec // ids are not negative
}

// SplitHeader takes it off again.
func SplitHeader(value []byte) (schema int32, rest []byte, ok bool) {
	const size = 5
	if len(value) < size || value[0] != 0 {
		return 0, nil, false
	}
	return int32(binary.BigEndian.Uint32(value[1:size])), value[size:], true //nolint:gosec // see AppendHeader
}

// ParseRaw reads what AppendRaw wrote. Bytes after the record are an error.
func ParseRaw(value []byte) (event.Event, error) {
	var r raw
	rest, err := rawSchema.Decode(value, &r)
	if err != nil {
		return event.Event{}, err
	}
	if len(rest) > 0 {
		return event.Event{}, fmt.Errorf("%d bytes follow the record", len(rest))
	}
	id, ok := event.ParseID(r.EventID)
	correlation, okToo := event.ParseID(r.CorrelationID)
	if !ok || !okToo {
		return event.Event{}, fmt.Errorf("event_id or correlation_id is no UUID")
	}
	e := event.Event{ID: id, Correlation: correlation, Index: r.PackageIndex, Token: r.Token,
		Received: r.ReceivedAt.UnixMicro(),
		Form:     event.Form(r.Form), Type: r.Type, TargetSubscription: r.TargetSubscription, AccountID: r.AccountID,
		UserID:    r.UserID,
		MessageID: r.MessageID, TimestampText: r.TimestampText, Platform: r.Platform, Device: r.Device,
		AmplitudeID: r.AmplitudeID,
		IPAddress:   r.IPAddress, UserAgent: r.UserAgent, SessionID: r.SessionID, Data: r.Data,
		Attributes: r.Attributes,
		Extra:      r.Extra}
	if r.Timestamp != nil {
		e.Timestamp, e.HasTimestamp = r.Timestamp.UnixMicro(), true
	}
	return e, nil
}
