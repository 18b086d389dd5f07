// Package message reads and writes the values of the topics transactions.raw and transactions.classified, both JSON.
package message

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
	"unsafe"

	"github.com/txflow/txflow/internal/transaction"
)

// Raw is a message of transactions.raw as txflow writes it. Others may write ID and Amount as numbers, too. The decimal
// mark is the point; Source names the system that issues the ids.
type Raw struct {
	ID            string  `json:"id"`
	Description   string  `json:"description"`
	Amount        string  `json:"amount"`
	Timestamp     string  `json:"timestamp"`
	Merchant      *string `json:"merchant"`
	OperationType string  `json:"operation_type"`
	Side          string  `json:"side"`
	Source        string  `json:"source,omitempty"`
}

// Parser reads raw messages by the same rules as rows of files. It is for one goroutine.
type Parser struct {
	Rules   transaction.Rules // the message's own source takes the place of Rules.Source
	reader  reader
	scratch []byte
}

// Parsed is a raw message that meets the rules; of another one the source and the id, where they can be read.
type Parsed struct {
	Transaction transaction.Transaction
	ContentHash uint64
	Source      string
}

// Parse reads a message into p, or returns the first rule that it breaks. The texts of p are those of the message,
// which must not change as long as p is used.
func (r *Parser) Parse(value []byte, p *Parsed) transaction.Violation {
	*p = Parsed{Source: r.Rules.Source}
	if !utf8.Valid(value) {
		return transaction.Violation{Code: transaction.CodeUTF8}
	}
	var fields transaction.Fields
	var source []byte
	var form transaction.Violation
	if !scan(value, &fields, &source) {
		fields, source = transaction.Fields{}, nil
		if form = r.reader.read(value, &fields, &source); form.Code == transaction.CodeMessage && form.Column == "" {
			return form
		}
	}
	if form.Column == columnName(columnSource) || form.Column == transaction.Columns[transaction.ColID] {
		return form // nobody knows whose it is
	}
	if c := transaction.CheckSource(source); c != transaction.CodeOK {
		return transaction.Violation{Code: c, Column: columnName(columnSource)}
	}
	if len(source) > 0 {
		p.Source = alias(source)
	}
	rules := r.Rules
	rules.Source = p.Source
	v := rules.Parse(&fields, &p.Transaction, alias)
	if v.Code == transaction.CodeOK && form.Code == transaction.CodeOK {
		p.ContentHash = p.Transaction.ContentHash(&r.scratch)
		return v
	}
	if p.Transaction = (transaction.Transaction{}); v.Column != transaction.Columns[transaction.ColID] {
		p.Transaction.ID, p.Transaction.SourceID, _ = rules.Identity(&fields, v)
	}
	if form.Code != transaction.CodeOK {
		return form
	}
	return v
}

// alias is a text in the memory of b.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// AppendRaw appends a transaction as a raw message.
func AppendRaw(b []byte, t *transaction.Transaction, source string) []byte {
	raw := Raw{ID: t.SourceID, Description: t.Description, Amount: t.Amount.String(), OperationType: t.OperationType,
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
	return append(b, encode(Raw{ID: text(transaction.ColID), Description: text(transaction.ColDescription),
		Amount:    text(transaction.ColAmount),
		Timestamp: text(transaction.ColTimestamp), Merchant: &merchant, OperationType: text(transaction.ColOperation),
		Side:   text(transaction.ColSide),
		Source: source})...)
}
