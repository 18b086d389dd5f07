package classify

import (
	"fmt"
	"strconv"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// fill makes the messages to be written, in the order of those that came.
func (c *Classifier) fill(w *work) {
	now := c.cfg.Now()
	for i := range w.messages {
		if v := w.rejected[i]; v.Code != transaction.CodeOK {
			d := ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: w.parsed[i].Transaction.SourceID, Column: v.Column, Code: v.Code, Message: v.Code.Message(), At: now}
			if d.SourceID != "" {
				d.ID = &w.parsed[i].Transaction.ID
			}
			w.records[i] = c.deadLetter(w, i, d)
		}
	}
	n := 0
	var shared sharedCall
	for r := range w.results {
		result := &w.results[r]
		for _, item := range result.Items {
			i := w.of[n]
			n++
			call := &result.Calls[item.Call]
			p := &w.parsed[i]
			if item.Refusal != nil {
				id := p.Transaction.ID
				w.records[i] = c.deadLetter(w, i, ledger.DeadLetter{Outcome: ledger.OutcomeDeadLetter, ID: &id, SourceID: p.Transaction.SourceID,
					ContentHash: p.ContentHash, Code: transaction.CodePrediction, Message: item.Refusal.Message, Call: call, At: call.AnsweredAt})
				continue
			}
			info, at := c.infoOf(w, i)
			row := ledger.Classified{Transaction: p.Transaction, ContentHash: p.ContentHash, Category: item.Category, Call: call, Origin: at,
				Version: w.messages[i].Version}
			key := len(w.arena)
			w.arena = p.Transaction.ID.Append(w.arena)
			value := len(w.arena)
			w.arena = message.AppendClassified(w.arena, &row, shared.text(info, at, call))
			w.records[i] = Record{Topic: topics.Classified, Key: w.arena[key:value:value], Value: w.arena[value:len(w.arena):len(w.arena)]}
		}
	}
}

// sharedCall makes the text of a call once for the rows that share it, which mostly stand together.
type sharedCall struct {
	info      ledger.RunInfo
	log       string
	partition int32
	call      *prediction.Call
	made      []byte
}

func (s *sharedCall) text(info ledger.RunInfo, at ledger.Origin, call *prediction.Call) []byte {
	if s.call != call || s.info != info || s.partition != at.Partition || s.log != at.Digest {
		s.info, s.log, s.partition, s.call = info, at.Digest, at.Partition, call
		s.made = info.AppendCall(nil, at, call)
	}
	return s.made
}

func (c *Classifier) infoOf(w *work, i int) (ledger.RunInfo, ledger.Origin) {
	info := c.info
	info.Source, info.OriginTraceID = w.parsed[i].Source, traceOf(w.messages[i].Traceparent)
	m := &w.messages[i]
	return info, ledger.Origin{Origin: topics.Raw, Digest: m.Log, Partition: m.Partition, Position: uint64(m.Offset)} //nolint:gosec // an offset is not negative
}

func (c *Classifier) deadLetter(w *work, i int, d ledger.DeadLetter) Record {
	w.deadLetters[d.Code]++
	info, at := c.infoOf(w, i)
	d.Origin, d.Version = at, w.messages[i].Version
	if d.Code.KeepsRow() {
		d.Raw = w.messages[i].Value
	}
	if m := &w.messages[i]; m.Gap > 0 {
		d.Message = fmt.Sprintf("%s: %d to %d", d.Message, m.Offset, m.Next()-1)
		d.Raw = message.AppendGap(nil, m.Offset, m.Next())
	}
	headers := map[string]string{message.HeaderReason: string(d.Code), message.HeaderOrigin: topics.Raw, message.HeaderReplays: strconv.Itoa(w.messages[i].Replays)}
	trace := ""
	if info.OriginTraceID != "" { // else it is none that is valid
		trace = w.messages[i].Traceparent
		headers[message.HeaderTrace] = trace
	}
	return Record{Topic: topics.DeadLetters, Value: message.AppendDeadLetter(nil, &info, &d, w.messages[i].Replays, trace), Headers: headers}
}
