package message

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/batch"
)

// Classified is a message of transactions.classified: a row that ClickHouse reads as it is.
type Classified struct {
	ID            string          `json:"id"`
	SourceID      string          `json:"source_id"`
	Description   string          `json:"description"`
	Amount        string          `json:"amount"`
	Timestamp     string          `json:"timestamp"` // UTC, YYYY-MM-DD HH:MM:SS.ffffff
	Merchant      *string         `json:"merchant"`
	OperationType string          `json:"operation_type"`
	Side          string          `json:"side"`
	Category      string          `json:"category"`
	Position      uint64          `json:"position"` // the offset of the raw message
	ContentHash   uint64          `json:"content_hash"`
	Call          json.RawMessage `json:"call"` // what the rows of one ML call share: see batch.RunInfo
}

const timestampLayout = "2006-01-02 15:04:05.000000"

// AppendClassified appends the message for a row; call is what info.AppendCall made for it.
func AppendClassified(b []byte, row *batch.Classified, call []byte) []byte {
	t := &row.Transaction
	m := Classified{ID: t.ID.String(), SourceID: t.SourceID, Description: t.Description, Amount: t.Amount.String(),
		Timestamp: t.Timestamp.UTC().Format(timestampLayout), OperationType: t.OperationType, Side: t.Side.String(),
		Category: row.Category.String(), Position: row.Origin.Position, ContentHash: row.ContentHash, Call: call}
	if t.HasMerchant {
		m.Merchant = &t.Merchant
	}
	return append(b, encode(m)...)
}

// DeadLetter is a message of transactions.dlq: a row that ClickHouse reads as it is.
type DeadLetter struct {
	Pipeline     string `json:"pipeline"`
	RunID        string `json:"run_id"`
	Source       string `json:"source"`
	Origin       string `json:"origin"` // topic
	Partition    int32  `json:"partition"`
	Position     uint64 `json:"position"` // offset
	ID           string `json:"id"`       // the zero UUID when none can be read
	SourceID     string `json:"source_id"`
	ContentHash  uint64 `json:"content_hash"`
	Outcome      string `json:"outcome"`
	Column       string `json:"column"`
	Code         string `json:"code"`
	Message      string `json:"message"`
	Raw          string `json:"raw"` // Base64 of the message as it came
	Attempt      uint16 `json:"attempt"`
	ModelVersion string `json:"model_version"`
	TraceID      string `json:"trace_id"`
	SpanID       string `json:"span_id"`
	At           string `json:"at"` // UTC, YYYY-MM-DD HH:MM:SS.ffffff
}

// AppendDeadLetter appends the message for a dead letter.
func AppendDeadLetter(b []byte, info *batch.RunInfo, d *batch.DeadLetter) []byte {
	m := DeadLetter{Pipeline: info.Pipeline, RunID: info.RunID, Source: info.Source, Origin: d.Origin.Origin, Partition: d.Origin.Partition,
		Position: d.Origin.Position, ID: "00000000-0000-0000-0000-000000000000", SourceID: strings.ToValidUTF8(d.SourceID, "\uFFFD"), ContentHash: d.ContentHash,
		Outcome: string(d.Outcome), Column: d.Column, Code: string(d.Code), Message: d.Message, Raw: base64.StdEncoding.EncodeToString(d.Raw),
		At: d.At.UTC().Truncate(time.Microsecond).Format(timestampLayout)}
	if d.ID != nil {
		m.ID = d.ID.String()
	}
	if c := d.Call; c != nil {
		m.Attempt, m.ModelVersion, m.TraceID, m.SpanID = uint16(min(c.Attempt, 1<<16-1)), c.Model, c.TraceID, c.SpanID //nolint:gosec // bounded
	}
	return append(b, encode(m)...)
}
