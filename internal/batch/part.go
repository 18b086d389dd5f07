package batch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// Part holds the ML API's answers for one segment, in the order of its rows.
type Part struct {
	Segment    string     `json:"segment"`
	Calls      []PartCall `json:"calls"`
	Categories []string   `json:"categories,omitempty"` // "" where the API refused
	Refusals   []Refusal  `json:"refusals,omitempty"`
}

// PartCall is a call and the run of rows that it answered.
type PartCall struct {
	Rows       int       `json:"rows"`
	Model      string    `json:"model_version"`
	Attempt    int       `json:"attempt"`
	TraceID    string    `json:"trace_id"`
	SpanID     string    `json:"span_id"`
	Sampled    bool      `json:"sampled"`
	AnsweredAt time.Time `json:"answered_at"`
}

// Refusal is a row that the API refused.
type Refusal struct {
	Row     int    `json:"row"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// NewPart makes the part of a segment from its results, in order.
func NewPart(segment string, results []prediction.Result) *Part {
	p := &Part{Segment: segment}
	for _, r := range results {
		for i, item := range r.Items {
			if len(p.Calls) == 0 || i == 0 || item.Call != r.Items[i-1].Call {
				c := r.Calls[item.Call]
				p.Calls = append(p.Calls, PartCall{Model: c.Model, Attempt: c.Attempt, TraceID: c.TraceID, SpanID: c.SpanID,
					Sampled: c.Sampled, AnsweredAt: c.AnsweredAt})
			}
			p.Calls[len(p.Calls)-1].Rows++
			if item.Refusal != nil {
				p.Refusals = append(p.Refusals, Refusal{Row: len(p.Categories), Status: item.Refusal.Status,
					Message: item.Refusal.Message})
			}
			p.Categories = append(p.Categories, item.Category.String())
		}
	}
	return p
}

// Check reports whether the part answers each of rows rows, by a category or a refusal.
func (p *Part) Check(segment string, rows int) error {
	answered := 0
	for _, c := range p.Calls {
		if c.Rows < 1 {
			answered = -1
			break
		}
		answered += c.Rows
	}
	refused := make(map[int]bool, len(p.Refusals))
	for i, r := range p.Refusals {
		if i == 0 || r.Row > p.Refusals[i-1].Row { // load takes them in order
			refused[r.Row] = true
		}
	}
	if p.Segment != segment || len(p.Categories) != rows || answered != rows || len(refused) != len(p.Refusals) {
		return fault.Failf(fault.ExitData, "the part of segment %.12s does not answer its %d rows", segment, rows)
	}
	for i, name := range p.Categories {
		if _, ok := transaction.ParseCategory(name); ok == refused[i] {
			return fault.Failf(fault.ExitData, "the part of segment %.12s has no valid answer for row %d", segment, i)
		}
	}
	return nil
}

// Call returns the call as the domain knows it.
func (c *PartCall) Call() *prediction.Call {
	return &prediction.Call{Model: c.Model, Attempt: c.Attempt, TraceID: c.TraceID, SpanID: c.SpanID, Sampled: c.Sampled,
		AnsweredAt: c.AnsweredAt}
}

// partSum is where the SHA-256 of all that precedes it begins: the last field of a part. A category may be any text, so
// a byte that was turned over would else be believed.
const partSum = `,"sha256":"`

const partSumSize = len(partSum) + 2*sha256.Size + len("\"}\n")

// AppendPart appends the part as JSON, with its checksum as the last field.
func AppendPart(b []byte, p *Part) []byte {
	content, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("a part is plain data: %v", err))
	}
	content = content[:len(content)-1] // without the brace
	sum := sha256.Sum256(content)
	return append(hex.AppendEncode(append(append(b, content...), partSum...), sum[:]), "\"}\n"...)
}

// ParsePart reads what AppendPart wrote; parts of older releases have no checksum.
func ParsePart(content []byte) (*Part, error) {
	if body := len(content) - partSumSize; body > 0 && bytes.HasPrefix(content[body:], []byte(partSum)) {
		sum := sha256.Sum256(content[:body])
		if string(content[body+len(partSum):len(content)-len("\"}\n")]) != hex.EncodeToString(sum[:]) {
			return nil, fault.Failf(fault.ExitData, "a part's content does not have the checksum that it names")
		}
	}
	var p Part
	if err := json.Unmarshal(content, &p); err != nil {
		return nil, fault.Failf(fault.ExitData, "not a part: %w", err)
	}
	return &p, nil
}
