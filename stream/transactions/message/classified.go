package message

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/jsontext"
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
	VersionUS     int64           `json:"version_us"` // microseconds since 1970: how new the contents are
	Call          json.RawMessage `json:"call"`       // what the rows of one ML call share: see ledger.RunInfo
}

const timestampLayout = "2006-01-02 15:04:05.000000"

// AppendClassified appends the message for a row; call is what info.AppendCall made for it. It is written by hand: this is
// the path of every message.
func AppendClassified(b []byte, row *ledger.Classified, call []byte) []byte {
	t := &row.Transaction
	b = append(b, `{"id":"`...)
	b = t.ID.Append(b)
	b = append(b, `","source_id":"`...)
	b = jsontext.Append(b, t.SourceID)
	b = append(b, `","description":"`...)
	b = jsontext.Append(b, t.Description)
	b = append(b, `","amount":"`...)
	b = t.Amount.Append(b)
	b = append(b, `","timestamp":"`...)
	b = t.Timestamp.UTC().AppendFormat(b, timestampLayout)
	if t.HasMerchant {
		b = append(b, `","merchant":"`...)
		b = jsontext.Append(b, t.Merchant)
		b = append(b, `","operation_type":"`...)
	} else {
		b = append(b, `","merchant":null,"operation_type":"`...)
	}
	b = jsontext.Append(b, t.OperationType)
	b = append(b, `","side":"`...)
	b = append(b, t.Side.String()...)
	b = append(b, `","category":"`...)
	b = append(b, row.Category.String()...)
	b = append(b, `","position":`...)
	b = strconv.AppendUint(b, row.Origin.Position, 10)
	b = append(b, `,"content_hash":`...)
	b = strconv.AppendUint(b, row.ContentHash, 10)
	b = append(b, `,"version_us":`...)
	b = strconv.AppendInt(b, row.Version, 10)
	b = append(b, `,"call":`...)
	b = append(b, call...)
	return append(b, '}')
}

// DeadLetter is a message of transactions.dlq: a row that ClickHouse reads as it is.
type DeadLetter struct {
	Pipeline     string `json:"pipeline"`
	RunID        string `json:"run_id"`
	Source       string `json:"source"`
	Origin       string `json:"origin"`        // topic
	OriginDigest string `json:"origin_digest"` // "CLUSTER_ID/TOPIC_ID"
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
	Traceparent  string `json:"traceparent"` // W3C, "" without one
	Replays      uint16 `json:"replays"`     // how often it had been replayed when it was judged
	At           string `json:"at"`          // UTC, YYYY-MM-DD HH:MM:SS.ffffff
	VersionUS    int64  `json:"version_us"`  // microseconds since 1970: how new the contents are
}

// AppendDeadLetter appends the message for a dead letter that was replayed so often before, and came with a traceparent.
func AppendDeadLetter(b []byte, info *ledger.RunInfo, d *ledger.DeadLetter, replays int, traceparent string) []byte {
	m := DeadLetter{Pipeline: info.Pipeline, RunID: info.RunID, Source: info.Source, Origin: d.Origin.Origin, OriginDigest: d.Origin.Digest, Partition: d.Origin.Partition,
		Position: d.Origin.Position, ID: "00000000-0000-0000-0000-000000000000", SourceID: strings.ToValidUTF8(d.SourceID, "\uFFFD"), ContentHash: d.ContentHash,
		Outcome: string(d.Outcome), Column: d.Column, Code: string(d.Code), Message: d.Message, Raw: base64.StdEncoding.EncodeToString(d.Raw),
		Replays: uint16(min(max(replays, 0), 1<<16-1)), VersionUS: d.Version, Traceparent: traceparent, At: d.At.UTC().Truncate(time.Microsecond).Format(timestampLayout)}
	if d.ID != nil {
		m.ID = d.ID.String()
	}
	if c := d.Call; c != nil {
		m.Attempt, m.ModelVersion, m.TraceID, m.SpanID = uint16(min(c.Attempt, 1<<16-1)), c.Model, c.TraceID, c.SpanID //nolint:gosec // bounded
	}
	return append(b, encode(m)...)
}
