package transaction

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Code names the rule that a row breaks. Codes are stable: users filter by them.
type Code string

// The codes of a row that is rejected.
const (
	CodeOK             Code = ""
	CodeColumns        Code = "column_count"
	CodeMissing        Code = "missing_value"
	CodeTooLong        Code = "too_long"
	CodeUTF8           Code = "invalid_utf8"
	CodeControl        Code = "control_character"
	CodeAmountFormat   Code = "amount_format"
	CodeAmountScale    Code = "amount_scale"
	CodeAmountRange    Code = "amount_range"
	CodeAmountZero     Code = "amount_zero"
	CodeTimestamp      Code = "timestamp_format"
	CodeTimestampRange Code = "timestamp_range"
	CodeSide           Code = "side_unknown"
	CodeSideMismatch   Code = "side_mismatch"
	CodeOperation      Code = "operation_type_shape"
	CodeConflict       Code = "id_conflict"
	CodeQuote          Code = "stray_quote"
	CodeHeader         Code = "header_repeated"
	CodeMessage        Code = "message_format"     // of a stream's message
	CodeUnknownField   Code = "unknown_field"      // of a stream's message
	CodeDuplicateField Code = "duplicate_field"    // of a stream's message
	CodeSurrogate      Code = "lone_surrogate"     // of a stream's message
	CodeMessageSize    Code = "message_too_large"  // of a stream's message: it is not looked at, and stays where it is
	CodeDeleted        Code = "offsets_deleted"    // of a stream: retention deleted them before they were read
	CodePrediction     Code = "prediction_refused" // a dead letter: the ML API refused this one transaction
)

var messages = map[Code]string{
	CodeColumns:      "the number of fields differs from the number of columns in the header",
	CodeMissing:      "a value is required here",
	CodeTooLong:      "the value is longer than the limit",
	CodeUTF8:         "the value is not valid UTF-8",
	CodeControl:      "the value holds a control character other than tab and newline",
	CodeAmountFormat: "invalid amount: a decimal number with the file's decimal mark is expected",
	CodeAmountScale:  "the amount has more than 4 digits after the decimal mark",
	CodeAmountRange:  "the amount has more than 14 digits before the decimal mark",
	CodeAmountZero:   "the amount is zero, so it is neither debit nor credit",
	CodeTimestamp: "the timestamp is neither YYYY-MM-DD HH:MM:SS nor RFC 3339 (seconds to 59, a fraction of up to " +
		"9 digits)",
	CodeTimestampRange: "the timestamp is outside the accepted range",
	CodeSide:           "the side is neither debit nor credit",
	CodeSideMismatch:   "the amount's sign does not fit the side: debit is below zero, credit above",
	CodeOperation:      "the operation type is not 1 to 64 ASCII letters, digits, '_', '-', '.' or spaces",
	CodeConflict:       "an earlier row has the same id and other content; the first one counts",
	CodeHeader:         "the row repeats the header: were several files joined?",
	CodeQuote:          "a quote is inside an unquoted field, or text follows a closing quote",
	CodeMessage:        "the message is not a JSON object with the fields of a transaction",
	CodeUnknownField:   "the message has an unknown field; names of fields are case-sensitive",
	CodeDuplicateField: "the message has this field twice",
	CodeSurrogate: "a text holds half of a UTF-16 surrogate pair (an escape like \\ud800 alone), which is no " +
		"character",
	CodeMessageSize: "the message is over the limit; it stays at its topic, partition and offset",
	CodeDeleted:     "retention deleted these offsets before they were read",
	CodePrediction:  "the ML API refused this transaction",
}

// Message says in words what the rule is. It never holds a value of the row.
func (c Code) Message() string { return messages[c] }

// KeepsRow reports whether a dead letter of this code holds the row as it came, so that it can be replayed.
func (c Code) KeepsRow() bool { return c != CodeMessageSize && c != CodeDeleted }

// Columns are the fields of a transaction, in the order of the contract.
var Columns = [7]string{"id", "description", "amount", "timestamp", "merchant", "operation_type", "side"}

// Indexes into Columns and Fields.
const (
	ColID = iota
	ColDescription
	ColAmount
	ColTimestamp
	ColMerchant
	ColOperation
	ColSide
)

// Fields are the raw values of one row in the order of Columns; they may alias a buffer that is reused.
type Fields [7][]byte

// Rules are the bounds that a row is checked against.
type Rules struct {
	Source       string    // names the system that counts the ids; may be empty
	DecimalPoint byte      // '.' or ','
	Thousands    byte      // '.', ',', '\'' or ' ' (a no-break space, too) between groups of three digits; 0 allows none
	Earliest     time.Time // the first timestamp accepted
	Latest       time.Time // the first timestamp no longer accepted
	MaxText      int       // bytes of a description or merchant
}

// DefaultEarliest is 2000-01-01: what is older is a wrong epoch rather than a transaction.
var DefaultEarliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// DefaultLatest is the end of tomorrow (UTC), seen from now: the first timestamp that is no longer accepted.
func DefaultLatest(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)
}

// DefaultRules are the contract's bounds, seen from now. A process that lives longer than a run moves Latest with its
// clock.
func DefaultRules(now time.Time) Rules {
	return Rules{DecimalPoint: '.', Earliest: DefaultEarliest, Latest: DefaultLatest(now), MaxText: 64 << 10}
}

// maxID bounds the source's id; a UUID has 36 bytes, a hash 64.
const maxID = 256

// Violation is a broken rule and the column that broke it ("" when it is the whole row).
type Violation struct {
	Code   Code
	Column string
}

// Parse checks a row and returns the transaction, or the first rule that it breaks: the text columns first, then
// amount, timestamp, operation type and side. The strings of the result are made by text: string(b) to copy.
func (r *Rules) Parse(f *Fields, t *Transaction, text func([]byte) string) Violation {
	raw := TrimField(f[ColID])
	switch {
	case len(raw) == 0:
		return Violation{CodeMissing, "id"}
	case len(raw) > maxID:
		return Violation{CodeTooLong, "id"}
	}
	if c := checkText(raw); c != CodeOK {
		return Violation{c, "id"}
	}
	for _, col := range [2]int{ColDescription, ColMerchant} {
		if len(f[col]) > r.MaxText {
			return Violation{CodeTooLong, Columns[col]}
		}
		if c := checkText(f[col]); c != CodeOK {
			return Violation{c, Columns[col]}
		}
	}
	number := TrimField(f[ColAmount])
	if r.Thousands != 0 {
		var plain [64]byte
		number = ungroup(plain[:0], number, r.Thousands, r.DecimalPoint)
	}
	amount, code := ParseAmount(number, r.DecimalPoint)
	if len(number) == 0 {
		code = CodeMissing
	}
	if code != CodeOK {
		return Violation{code, "amount"}
	}
	ts, v := r.timestamp(TrimField(f[ColTimestamp]))
	if v.Code != CodeOK {
		return v
	}
	op := TrimField(f[ColOperation])
	if len(op) == 0 {
		return Violation{CodeMissing, "operation_type"}
	}
	if !operationShape(op) {
		return Violation{CodeOperation, "operation_type"}
	}
	side, v := parseSide(TrimField(f[ColSide]), amount)
	if v.Code != CodeOK {
		return v
	}
	*t = Transaction{
		ID: DeriveID(r.Source, raw), SourceID: text(raw), Description: text(f[ColDescription]), Amount: amount,
		Timestamp: ts, Merchant: text(f[ColMerchant]), HasMerchant: len(f[ColMerchant]) > 0,
		OperationType: text(op), Side: side,
	}
	return Violation{}
}

// Identity is the id of a row that breaks a rule, where it can be read, so that the corrected row can be matched with
// it.
func (r *Rules) Identity(f *Fields, v Violation) (id ID, sourceID string, ok bool) {
	if v.Code == CodeQuote || v.Code == CodeColumns || v.Column == Columns[ColID] {
		return id, "", false
	}
	raw := TrimField(f[ColID])
	return DeriveID(r.Source, raw), string(raw), true
}

func (r *Rules) timestamp(b []byte) (time.Time, Violation) {
	if len(b) == 0 {
		return time.Time{}, Violation{CodeMissing, "timestamp"}
	}
	ts, ok := ParseTimestamp(b)
	if !ok {
		return time.Time{}, Violation{CodeTimestamp, "timestamp"}
	}
	if ts.Before(r.Earliest) || !ts.Before(r.Latest) {
		return time.Time{}, Violation{CodeTimestampRange, "timestamp"}
	}
	return ts, Violation{}
}

func parseSide(b []byte, amount Amount) (Side, Violation) {
	if len(b) == 0 {
		return 0, Violation{CodeMissing, "side"}
	}
	side, ok := ParseSide(b)
	switch {
	case !ok:
		return 0, Violation{CodeSide, "side"}
	case amount == 0:
		return 0, Violation{CodeAmountZero, "amount"}
	case (amount < 0) != (side == Debit):
		return 0, Violation{CodeSideMismatch, "side"}
	}
	return side, Violation{}
}

func operationShape(b []byte) bool {
	if len(b) > 64 {
		return false
	}
	for _, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-. ", c) >= 0) {
			return false
		}
	}
	return true
}

// checkText refuses invalid UTF-8 and control characters (C0, DEL and C1) other than tab, newline and carriage return
// before a newline, which is how Windows ends a line inside quotes.
func checkText(b []byte) Code {
	ascii := true
	for i, c := range b {
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		if c < 0x20 && c != '\t' && c != '\n' && !(c == '\r' && i+1 < len(b) && b[i+1] == '\n') || c == 0x7f {
			return CodeControl
		}
	}
	if ascii {
		return CodeOK
	}
	if !utf8.Valid(b) {
		return CodeUTF8
	}
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 0xc2 && b[i+1] >= 0x80 && b[i+1] < 0xa0 {
			return CodeControl
		}
	}
	return CodeOK
}

// TrimField cuts the spaces and tabs around a value that is not free text.
func TrimField(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
