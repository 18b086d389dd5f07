package events

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

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

// raw is Event in Avro, for other schemas than RawSchema.
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

// wireHeader is how long the header of Confluent's wire format is: a zero byte and the schema id.
const wireHeader = 5

// ParseMessage reads a message of events.raw that this release's schema fits, with the header of the wire format.
func ParseMessage(value []byte) (event.Event, error) {
	if len(value) < wireHeader || value[0] != 0 {
		return event.Event{}, errors.New("the message is not in Confluent's wire format")
	}
	return ParseRaw(value[wireHeader:])
}

// AppendRaw appends the Avro of an event, without the header of the wire format. It is written out, field by field in
// the order of the schema: the collector does it for each event.
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
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(schema)) // ids are not negative
}

// SplitHeader takes it off again.
func SplitHeader(value []byte) (schema int32, rest []byte, ok bool) {
	const size = 5
	if len(value) < size || value[0] != 0 {
		return 0, nil, false
	}
	return int32(binary.BigEndian.Uint32(value[1:size])), value[size:], true // see AppendHeader
}

// Schema is an Avro schema that messages of events.raw may be written with.
type Schema struct{ resolved *avro.Schema } // nil: RawSchema itself

// ParseSchema reads the text of a schema. Its error is that of a text that is no schema, or of one that RawSchema
// cannot read.
func ParseSchema(text string) (Schema, error) {
	writer, err := avro.Parse(text)
	if err != nil {
		return Schema{}, err
	}
	if bytes.Equal(writer.Canonical(), rawSchema.Canonical()) {
		return Schema{}, nil
	}
	resolved, err := avro.Resolve(writer, rawSchema)
	return Schema{resolved}, err
}

// ParseRaw reads what AppendRaw wrote. Bytes after the record are an error.
func ParseRaw(value []byte) (event.Event, error) { return Schema{}.Parse(value) }

// Parse reads a record of the schema, without the header of the wire format. Bytes after the record are an error, as
// are texts that are not valid UTF-8.
func (s Schema) Parse(value []byte) (event.Event, error) {
	if s.resolved == nil {
		return parseRaw(value)
	}
	var r raw
	rest, err := s.resolved.Decode(value, &r)
	if err != nil {
		return event.Event{}, err
	}
	if len(rest) > 0 {
		return event.Event{}, fmt.Errorf("%d bytes follow the record", len(rest))
	}
	id, ok := event.ParseID(r.EventID)
	correlation, okToo := event.ParseID(r.CorrelationID)
	if !ok || !okToo {
		return event.Event{}, errNoUUID
	}
	e := event.Event{ID: id, Correlation: correlation, Index: r.PackageIndex, Token: r.Token,
		Received: r.ReceivedAt.UnixMicro(), Form: event.Form(r.Form), Type: r.Type,
		TargetSubscription: r.TargetSubscription, AccountID: r.AccountID, UserID: r.UserID, MessageID: r.MessageID,
		TimestampText: r.TimestampText, Platform: r.Platform, Device: r.Device, AmplitudeID: r.AmplitudeID,
		IPAddress: r.IPAddress, UserAgent: r.UserAgent, SessionID: r.SessionID, Data: r.Data, Attributes: r.Attributes,
		Extra: r.Extra}
	if r.Timestamp != nil {
		e.Timestamp, e.HasTimestamp = r.Timestamp.UnixMicro(), true
	}
	return e, nil
}

var errNoUUID = errors.New("event_id or correlation_id is no UUID")

// parseRaw is written out, as AppendRaw is: refine does it for each event.
func parseRaw(value []byte) (e event.Event, err error) {
	d := decoder{text: string(value)} // the texts of the event are parts of it
	id, ok := event.ParseID(d.string())
	correlation, okToo := event.ParseID(d.string())
	e.ID, e.Correlation = id, correlation
	index := d.number()
	e.Index = int32(index) // checked below
	e.Token, e.Received = d.string(), d.number()
	e.Form = event.Form(d.string())
	for _, text := range [...]*string{&e.Type, &e.TargetSubscription, &e.AccountID, &e.UserID, &e.MessageID,
		&e.TimestampText} {
		*text = d.string()
	}
	switch d.number() {
	case 0:
	case 1:
		e.Timestamp, e.HasTimestamp = d.number(), true
	default:
		d.fail("a union has a branch that does not exist")
	}
	for _, text := range [...]*string{&e.Platform, &e.Device, &e.AmplitudeID, &e.IPAddress, &e.UserAgent, &e.SessionID,
		&e.Data, &e.Attributes, &e.Extra} {
		*text = d.string()
	}
	switch {
	case d.err != nil:
		return event.Event{}, d.err
	case d.at < len(d.text):
		return event.Event{}, fmt.Errorf("%d bytes follow the record", len(d.text)-d.at)
	case !ok || !okToo:
		return event.Event{}, errNoUUID
	case int64(e.Index) != index:
		return event.Event{}, fmt.Errorf("package_index %d is no int", index)
	}
	return e, nil
}

// decoder reads Avro. After an error it reads zeros.
type decoder struct {
	text string
	at   int
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err, d.at = fmt.Errorf("at byte %d: %s", d.at, what), len(d.text)
	}
}

// number reads an int or a long: little groups of seven bits, and the sign in the lowest bit.
func (d *decoder) number() int64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		if d.at == len(d.text) {
			d.fail("the record ends too early")
			return 0
		}
		c := d.text[d.at]
		d.at++
		if n |= uint64(c&0x7f) << shift; c < 0x80 {
			return int64(n>>1) ^ -int64(n&1) // zigzag
		}
	}
	d.fail("a number has more than 64 bits")
	return 0
}

func (d *decoder) string() string {
	n := d.number()
	if n < 0 || n > int64(len(d.text)-d.at) {
		d.fail("a text is longer than the record")
		return ""
	}
	text := d.text[d.at : d.at+int(n)]
	if d.at += int(n); !utf8.ValidString(text) {
		d.fail("a text is not valid UTF-8")
		return ""
	}
	return text
}
