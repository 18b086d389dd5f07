// Package event is a business event as senders give it and as the pipeline of events carries it. It imports the
// standard library only.
package event

import (
	"crypto/sha256"
	"encoding/binary"
)

// Form says how an event was sent.
type Form string

// Forms of an event.
const (
	FormPackage Form = "package" // POST /collect: data, and headers or attributes with stamps
	FormSimple  Form = "simple"  // POST /events: event_type, company_id, …
)

// Event is a business event that was accepted. Texts are UTF-8; "" where the sender gave none.
type Event struct {
	ID          ID     // its key in Kafka, see IDOf
	Correlation ID     // of the package that it came in
	Index       int32  // its place in the package, from 0
	Token       string // the name of the sender's token; "" for a sender on loopback without one
	Received    int64  // microseconds since 1970, by the collector's clock

	Form               Form
	Type               string // a class name like Holded\Wallet\…\WalletTransactionCreatedEvent, or USER_LOGIN
	TargetSubscription string
	AccountID, UserID  string
	MessageID          string // of its stamp
	TimestampText      string // the sender's time stamp as it came: JSON
	Timestamp          int64  // the same in microseconds since 1970; see HasTimestamp
	HasTimestamp       bool
	Platform, Device   string
	AmplitudeID        string // decimal
	IPAddress          string
	UserAgent          string
	SessionID          string

	Data       string // JSON: data, or metadata of the simple form; white space between tokens is removed
	Attributes string // JSON: headers or attributes with all their fields; "" in the simple form
	Extra      string // JSON: an object of the item's other fields, which nobody knows; "" without any
}

// ContentHash is the first eight bytes, big-endian, of the SHA-256 of all that the sender said, each text with its
// length before it. It is the same when an event is sent again, in whatever package.
func (e *Event) ContentHash() uint64 {
	var start [2048]byte // most events need no more
	text := start[:0]
	for _, t := range [...]string{string(e.Form), e.Type, e.TargetSubscription, e.AccountID, e.UserID, e.MessageID,
		e.TimestampText, e.Platform, e.Device, e.AmplitudeID, e.IPAddress, e.UserAgent, e.SessionID, e.Data, e.Attributes,
		e.Extra} {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(t))), t...)
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}
