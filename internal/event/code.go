package event

// Code names the rule that an event breaks. Codes are stable: senders act on them.
type Code string

// The codes of an event that the collector refuses.
const (
	CodeMissing        Code = "missing_value"
	CodeType           Code = "wrong_type"
	CodeTooLong        Code = "too_long"
	CodeControl        Code = "control_character"
	CodeUTF8           Code = "invalid_utf8"
	CodeSurrogate      Code = "lone_surrogate"
	CodeDuplicateField Code = "duplicate_field"
	CodeAmbiguous      Code = "ambiguous_form"
	CodeNumber         Code = "number_range"
	CodeTimestamp      Code = "timestamp_format"
	CodeTimestampRange Code = "timestamp_range"
	CodeNesting        Code = "too_deep"
	CodeSize           Code = "event_too_large"
)

// The codes of a message of events.raw that is no event, or none that is accepted.
const (
	CodeFormat   Code = "event_format"
	CodeSchema   Code = "schema_unknown"
	CodeKey      Code = "event_key"
	CodeConflict Code = "id_conflict"
)

var messages = map[Code]string{
	CodeFormat:   "the message is not an event in Avro with the header of Confluent's wire format",
	CodeSchema:   "the Schema Registry does not know the schema that the message names",
	CodeKey:      "the key of the message is not the id of its event",
	CodeConflict: "an event with the same id and other content was accepted before; the first one counts",

	CodeMissing: "a value is required here",
	CodeType:    "the value has another type than the one that is expected here",
	CodeTooLong: "the value is longer than the limit",
	CodeControl: "the value holds a control character",
	CodeUTF8:    "a text is not valid UTF-8",
	CodeSurrogate: "a text holds half of a UTF-16 surrogate pair (an escape like \\ud800 alone), which is no " +
		"character",
	CodeDuplicateField: "an object has this field twice",
	CodeAmbiguous:      "headers and attributes exclude each other",
	CodeNumber:         "the number is beyond what a 64-bit float holds",
	CodeTimestamp:      "the time stamp is neither RFC 3339 nor milliseconds since 1970",
	CodeTimestampRange: "the time stamp is outside of the years 1900 to 2299",
	CodeNesting:        "the value nests too deeply",
	CodeSize:           "the event is larger than the limit",
}

// Message says in words what the rule is. It never holds a value of the event.
func (c Code) Message() string { return messages[c] }

// Violation is a broken rule and where: a JSON pointer (RFC 6901) from the root of what was sent.
type Violation struct {
	Code    Code
	Pointer string
}
