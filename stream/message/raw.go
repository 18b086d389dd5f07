// Package message is what stands in the messages of the stream's topics: transactions as they come, classified
// transactions and dead letters, all JSON.
package message

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
	"unsafe"

	"github.com/txflow/txflow/internal/transaction"
)

// Headers of messages.
const (
	HeaderReason  = "txflow-reason"  // of a dead letter: its code
	HeaderOrigin  = "txflow-origin"  // of a dead letter: the topic that it came from
	HeaderReplays = "txflow-replays" // how often it was replayed
	HeaderTrace   = "traceparent"    // W3C
)

// Raw is a message of transactions.raw. Amount is a number with the point as its decimal mark, or such a number as text;
// ID a text or a number; Source names the system that counts the ids.
type Raw struct {
	ID            Text    `json:"id"`
	Description   string  `json:"description"`
	Amount        Text    `json:"amount"`
	Timestamp     string  `json:"timestamp"`
	Merchant      *string `json:"merchant"`
	OperationType string  `json:"operation_type"`
	Side          string  `json:"side"`
	Source        string  `json:"source,omitempty"`
}

// Text is a text, or a number as it was written.
type Text []byte

// UnmarshalJSON takes a text or a number; null is empty.
func (t *Text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*t = Text(s)
		return err
	}
	if bytes.Equal(b, []byte("null")) {
		*t = nil
		return nil
	}
	var n json.Number
	err := json.Unmarshal(b, &n)
	*t = bytes.Clone(b)
	return err
}

// MarshalJSON writes a text.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(string(t)) }

// Parser reads raw messages by the same rules as rows of files. It is for one goroutine.
type Parser struct {
	Rules   transaction.Rules // the message's own source takes the place of Rules.Source
	scratch []byte
}

// Parsed is a raw message that meets the rules; of another one the source and the id, where they can be read.
type Parsed struct {
	Transaction transaction.Transaction
	ContentHash uint64
	Source      string
}

// maxSource bounds the name of a source.
const maxSource = 256

// Parse reads a message into p, or returns the first rule that it breaks. The texts of p are those of the message, which
// must not change as long as p is used.
func (r *Parser) Parse(value []byte, p *Parsed) transaction.Violation {
	*p = Parsed{Source: r.Rules.Source}
	if !utf8.Valid(value) {
		return transaction.Violation{Code: transaction.CodeUTF8}
	}
	var fields transaction.Fields
	var source []byte
	if !scan(value, &fields, &source) {
		var raw Raw
		if err := json.Unmarshal(value, &raw); err != nil {
			return transaction.Violation{Code: transaction.CodeMessage}
		}
		fields, source = raw.fields(), []byte(raw.Source)
	}
	if len(source) > maxSource {
		return transaction.Violation{Code: transaction.CodeTooLong, Column: "source"}
	}
	if len(source) > 0 {
		p.Source = alias(source)
	}
	rules := r.Rules
	rules.Source = p.Source
	v := rules.Parse(&fields, &p.Transaction, alias)
	if v.Code == transaction.CodeOK {
		p.ContentHash = p.Transaction.ContentHash(&r.scratch)
	} else {
		p.Transaction.ID, p.Transaction.SourceID, _ = rules.Identity(&fields, v)
	}
	return v
}

// alias is a text in the memory of b.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (raw *Raw) fields() transaction.Fields {
	f := transaction.Fields{raw.ID, []byte(raw.Description), raw.Amount, []byte(raw.Timestamp), nil, []byte(raw.OperationType), []byte(raw.Side)}
	if raw.Merchant != nil {
		f[transaction.ColMerchant] = []byte(*raw.Merchant)
	}
	return f
}

// AppendRaw appends a transaction as a raw message.
func AppendRaw(b []byte, t *transaction.Transaction, source string) []byte {
	raw := Raw{ID: Text(t.SourceID), Description: t.Description, Amount: Text(t.Amount.String()), OperationType: t.OperationType,
		Timestamp: string(transaction.AppendTimestamp(nil, t.Timestamp)), Side: t.Side.String(), Source: source}
	if t.HasMerchant {
		raw.Merchant = &t.Merchant
	}
	return append(b, encode(raw)...)
}

// encode writes compact JSON, with < > & as they are.
func encode(v any) []byte {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("a message is plain data: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}

// AppendFields appends a row of a file that breaks the rules, as it stands there.
func AppendFields(b []byte, f *transaction.Fields, source string) []byte {
	text := func(column int) string { return string(f[column]) }
	merchant := text(transaction.ColMerchant)
	return append(b, encode(Raw{ID: Text(text(transaction.ColID)), Description: text(transaction.ColDescription), Amount: Text(text(transaction.ColAmount)),
		Timestamp: text(transaction.ColTimestamp), Merchant: &merchant, OperationType: text(transaction.ColOperation), Side: text(transaction.ColSide),
		Source: source})...)
}
