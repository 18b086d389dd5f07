package pipeline

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
)

// Batch is a batch of messages with what is decided about each, from the poll to the end of its transaction. Its memory
// is used again for a later batch.
type Batch struct {
	Messages []Message // in the order of each partition
	Memory   any       // the handler's own, which a later batch finds again

	cfg       *Config
	decisions []decision // by message
	records   []Record   // by message; the zero Record for one that is skipped
	attached  []Record   // of the batch as a whole
	kept      []Record   // the records to be written, where some are skipped
	arena     []byte     // the keys and values of the records

	ctx     context.Context // it ends with the transaction
	cancel  context.CancelFunc
	span    trace.Span
	start   time.Time
	handled time.Duration
}

type decision struct {
	kind kind
	code transaction.Code // of a dead letter
}

type kind uint8

const (
	undecided kind = iota
	emitted
	rejected
	skipped
)

// reset starts a batch over with other messages. Gaps and messages that are too large are dead letters at once.
func (b *Batch) reset(cfg *Config, messages []Message) {
	n := len(messages)
	b.cfg, b.Messages, b.attached, b.arena, b.handled = cfg, messages, b.attached[:0], b.arena[:0], 0
	b.decisions, b.records = slices.Grow(b.decisions[:0], n)[:n], slices.Grow(b.records[:0], n)[:n]
	clear(b.decisions)
	clear(b.records)
	for i := range messages {
		switch m := &messages[i]; {
		case m.Gap > 0:
			b.Reject(i, "", ledger.DeadLetter{Outcome: ledger.OutcomeRejected, Code: transaction.CodeDeleted,
				Message: fmt.Sprintf("%s: %d to %d", transaction.CodeDeleted.Message(), m.Offset, m.Next()-1)})
		case m.size() > cfg.MaxMessage:
			b.Reject(i, "", ledger.DeadLetter{Outcome: ledger.OutcomeRejected, Code: transaction.CodeMessageSize,
				Message: transaction.CodeMessageSize.Message()})
		}
	}
}

// Undecided are the messages that nothing is decided about yet, by their index.
func (b *Batch) Undecided() iter.Seq2[int, *Message] {
	return func(yield func(int, *Message) bool) {
		for i := range b.Messages {
			if b.decisions[i].kind == undecided && !yield(i, &b.Messages[i]) {
				return
			}
		}
	}
}

// Emit decides that a message has a result in a topic. The key is copied; value appends the record's value to its
// argument.
func (b *Batch) Emit(i int, topic string, key []byte, value func(dst []byte) []byte, headers ...Header) {
	start := len(b.arena)
	b.arena = append(b.arena, key...)
	middle := len(b.arena)
	b.arena = value(b.arena)
	end := len(b.arena)
	b.decisions[i] = decision{kind: emitted}
	b.records[i] = Record{Topic: topic, Key: b.arena[start:middle:middle], Value: b.arena[middle:end:end],
		Headers: headers}
}

// Pin has the result of a message in a partition of its topic, whatever its key. It is called after Emit.
func (b *Batch) Pin(i int, partition int32) {
	b.records[i].Pinned, b.records[i].Partition = true, partition
}

// Attach adds a record to the transaction that is of the batch as a whole, and the result of none of its messages.
func (b *Batch) Attach(r Record) { b.attached = append(b.attached, r) }

// Reject decides that a message is a dead letter of a source, for the reason that d gives. Origin, Version, Raw, Key
// and Headers of d are set here, and At if it is zero.
func (b *Batch) Reject(i int, source string, d ledger.DeadLetter) {
	m := &b.Messages[i]
	info := b.RunInfo(i, source)
	d.Origin, d.Version = m.Origin(), m.Version
	if d.At.IsZero() {
		d.At = b.cfg.Now()
	}
	switch {
	case m.Gap > 0:
		d.Raw = deadletter.AppendGap(nil, m.Offset, m.Next())
	case d.Code.KeepsRow():
		d.Raw, d.Key, d.Headers = m.Value, m.Key, m.Headers
	}
	headers := []Header{{Name: HeaderReason, Value: []byte(d.Code)}, {Name: HeaderError, Value: []byte(d.Message)},
		{Name: HeaderOrigin, Value: []byte(m.Topic)},
		{Name: HeaderReplays, Value: strconv.AppendInt(nil, int64(m.Replays), 10)}}
	traceparent := ""
	if info.OriginTraceID != "" { // else it is not valid
		traceparent = m.Traceparent
		headers = append(headers, Header{Name: HeaderTrace, Value: []byte(traceparent)})
	}
	b.decisions[i] = decision{kind: rejected, code: d.Code}
	b.records[i] = Record{Topic: b.cfg.DeadLetters, Value: deadletter.Append(nil, &info, &d, m.Replays, traceparent),
		Headers: headers}
}

// Skip decides that a message has no result, such as a duplicate.
func (b *Batch) Skip(i int) {
	b.decisions[i], b.records[i] = decision{kind: skipped}, Record{}
}

// RunInfo is what tables say of the run that a message is part of, with the source of its ids.
func (b *Batch) RunInfo(i int, source string) ledger.RunInfo {
	return ledger.RunInfo{Pipeline: b.cfg.Ledger, RunID: b.cfg.Group, TaskTry: 1, Source: source,
		OriginTraceID: b.Messages[i].TraceID()}
}

// results are the records to be written. A message that nothing was decided about is a fault of the handler.
func (b *Batch) results() ([]Record, error) {
	holes := false
	for i := range b.decisions {
		switch b.decisions[i].kind {
		case undecided:
			m := &b.Messages[i]
			return nil, fault.Failf(fault.ExitFault, "the pipeline %s decided nothing about %s, partition %d, offset %d",
				b.cfg.Name, m.Topic, m.Partition, m.Offset)
		case skipped:
			holes = true
		}
	}
	if !holes {
		b.records = append(b.records, b.attached...)
		return b.records, nil
	}
	b.kept = b.kept[:0]
	for i := range b.records {
		if b.records[i].Topic != "" {
			b.kept = append(b.kept, b.records[i])
		}
	}
	b.kept = append(b.kept, b.attached...)
	return b.kept, nil
}
