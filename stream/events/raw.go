package events

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/twmb/avro"

	"github.com/txflow/txflow/internal/event"
)

// RawSchema is the Avro schema of the values of events.raw.
//
//go:embed raw.avsc
var RawSchema string

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

// AppendRaw appends the Avro of an event, without the header of the wire format.
func AppendRaw(dst []byte, e *event.Event) ([]byte, error) {
	r := raw{EventID: e.ID.String(), CorrelationID: e.Correlation.String(), PackageIndex: e.Index, Token: e.Token,
		ReceivedAt: time.UnixMicro(e.Received), Form: string(e.Form), Type: e.Type, TargetSubscription: e.TargetSubscription,
		AccountID: e.AccountID, UserID: e.UserID, MessageID: e.MessageID, TimestampText: e.TimestampText, Platform: e.Platform,
		Device: e.Device, AmplitudeID: e.AmplitudeID, IPAddress: e.IPAddress, UserAgent: e.UserAgent, SessionID: e.SessionID,
		Data: e.Data, Attributes: e.Attributes, Extra: e.Extra}
	if e.HasTimestamp {
		at := time.UnixMicro(e.Timestamp)
		r.Timestamp = &at
	}
	return rawSchema.AppendEncode(dst, &r)
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
	e := event.Event{ID: id, Correlation: correlation, Index: r.PackageIndex, Token: r.Token, Received: r.ReceivedAt.UnixMicro(),
		Form: event.Form(r.Form), Type: r.Type, TargetSubscription: r.TargetSubscription, AccountID: r.AccountID, UserID: r.UserID,
		MessageID: r.MessageID, TimestampText: r.TimestampText, Platform: r.Platform, Device: r.Device, AmplitudeID: r.AmplitudeID,
		IPAddress: r.IPAddress, UserAgent: r.UserAgent, SessionID: r.SessionID, Data: r.Data, Attributes: r.Attributes, Extra: r.Extra}
	if r.Timestamp != nil {
		e.Timestamp, e.HasTimestamp = r.Timestamp.UnixMicro(), true
	}
	return e, nil
}
