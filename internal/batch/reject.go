package batch

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/transaction"
)

// Reject is a row that broke a rule, as a line of rejected.ndjson.
type Reject struct {
	File        int              `json:"file"` // index into the run's files
	URL         string           `json:"url"`
	Line        uint64           `json:"line"`
	Column      string           `json:"column,omitempty"` // absent for the whole row
	Code        transaction.Code `json:"code"`
	Message     string           `json:"message"`
	ID          string           `json:"id,omitempty"` // absent when the id can not be read
	SourceID    string           `json:"source_id,omitempty"`
	ContentHash string           `json:"content_hash,omitempty"` // 16 hex digits; for a conflict
	Raw         string           `json:"raw,omitempty"`
	RawBytes    []byte           `json:"raw_base64,omitempty"` // instead of raw when that is not valid UTF-8
}

// SetRaw keeps the row as it came.
func (r *Reject) SetRaw(raw []byte) {
	if utf8.Valid(raw) {
		r.Raw = string(raw)
	} else {
		r.RawBytes = append([]byte(nil), raw...)
	}
}

// RawText returns the row as it came.
func (r *Reject) RawText() []byte {
	if r.RawBytes != nil {
		return r.RawBytes
	}
	return []byte(r.Raw)
}

// AppendReject appends the reject as a line.
func AppendReject(b []byte, r *Reject) ([]byte, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return b, fmt.Errorf("encode a rejected row: %w", err)
	}
	return append(append(b, line...), '\n'), nil
}

// Summary is one line for people; it holds no value of the row.
func (r *Reject) Summary() string {
	column := r.Column
	if column == "" {
		column = "row"
	}
	return fmt.Sprintf("%s:%d: %s: %s: %s", r.URL, r.Line, column, r.Code, r.Message)
}
