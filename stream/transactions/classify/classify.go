// Package classify is the handler of the pipeline of transactions: it checks raw transactions, asks the ML API for
// their categories, and decides for each message between a classified transaction and a dead letter.
package classify

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// Predictor asks the ML API for categories; it waits out an outage.
type Predictor interface {
	Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error)
}

// Handler implements pipeline.Handler and pipeline.Settler.
type Handler struct {
	predictor Predictor
	cfg       Config
	parser    message.Parser // of the goroutine that handles
}

// New makes a handler.
func New(predictor Predictor, cfg Config) *Handler { return &Handler{predictor: predictor, cfg: cfg} }

// work is what the handler knows of a batch. Its memory is used again.
type work struct {
	parsed  []message.Parsed // by message
	rows    []transaction.Transaction
	of      []int // rows[i] is of message of[i]
	results []prediction.Result
}

// Handle implements pipeline.Handler.
func (h *Handler) Handle(ctx context.Context, b *pipeline.Batch) error {
	w, ok := b.Memory.(*work)
	if !ok {
		w = &work{}
		b.Memory = w
	}
	h.parse(b, w)
	if err := h.ask(ctx, w); err != nil {
		return err
	}
	emit(b, w)
	return nil
}

// parse checks messages and rejects those that break a rule.
func (h *Handler) parse(b *pipeline.Batch, w *work) {
	h.parser.Rules = transaction.DefaultRules(h.cfg.Now()) // the latest time that is accepted moves on
	h.parser.Rules.Source = h.cfg.Source
	n := len(b.Messages)
	w.parsed, w.rows, w.of = slices.Grow(w.parsed[:0], n)[:n], w.rows[:0], w.of[:0]
	for i, m := range b.Undecided() {
		p := &w.parsed[i]
		v := h.parser.Parse(m.Value, p)
		if v.Code == transaction.CodeOK {
			w.rows, w.of = append(w.rows, p.Transaction), append(w.of, i)
			continue
		}
		d := ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: p.Transaction.SourceID, Column: v.Column,
			Code: v.Code, Message: v.Code.Message()}
		if d.SourceID != "" {
			id := p.Transaction.ID
			d.ID = &id
		}
		b.Reject(i, p.Source, d)
	}
}

// ask asks for all rows, several calls at once.
func (h *Handler) ask(ctx context.Context, w *work) error {
	w.results = make([]prediction.Result, (len(w.rows)+h.cfg.BatchRows-1)/h.cfg.BatchRows)
	calls := make([]int, len(w.results))
	for i := range calls {
		calls[i] = i
	}
	return h.askCalls(ctx, w, calls)
}

// askCalls asks for the rows of some calls.
func (h *Handler) askCalls(ctx context.Context, w *work, calls []int) error {
	size := h.cfg.BatchRows
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(h.cfg.Concurrency)
	for _, i := range calls {
		group.Go(func() (err error) {
			w.results[i], err = h.predictor.Predict(ctx, w.rows[i*size:min((i+1)*size, len(w.rows))])
			return err
		})
	}
	return group.Wait()
}

// emit decides by the answers of the ML API.
func emit(b *pipeline.Batch, w *work) {
	n := 0
	var shared sharedCall
	for r := range w.results {
		result := &w.results[r]
		for _, item := range result.Items {
			i := w.of[n]
			n++
			call, p, m := &result.Calls[item.Call], &w.parsed[i], &b.Messages[i]
			if item.Refusal != nil {
				id := p.Transaction.ID
				b.Reject(i, p.Source, ledger.DeadLetter{Outcome: ledger.OutcomeDeadLetter, ID: &id,
					SourceID:    p.Transaction.SourceID,
					ContentHash: p.ContentHash, Code: transaction.CodePrediction, Message: item.Refusal.Message, Call: call,
					At: call.AnsweredAt})
				continue
			}
			row := ledger.Classified{Transaction: p.Transaction, ContentHash: p.ContentHash, Category: item.Category, Call: call,
				Origin: m.Origin(), Version: m.Version}
			text := shared.text(b.RunInfo(i, p.Source), row.Origin, call)
			var key [36]byte
			b.Emit(i, topics.Classified, p.Transaction.ID.Append(key[:0]), func(dst []byte) []byte {
				return message.AppendClassified(dst, &row, text)
			})
		}
	}
}

// sharedCall makes the text of a call once for the rows that share it, which mostly follow each other.
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

// settleTime is how long a batch with refusals waits for the rows that follow, which show whether the ML API refuses
// these rows or everything. In little traffic the refusals count after it.
const settleTime = time.Second

// Settle implements pipeline.Settler. It waits until it is known whether the refusals of a batch are about its
// messages. If not, the ML API was out of order: its refusals are no dead letters, and the rows are asked for again.
func (h *Handler) Settle(ctx context.Context, b *pipeline.Batch) error {
	w := b.Memory.(*work)
	for {
		calls := h.outOfOrder(ctx, w)
		if len(calls) == 0 {
			return ctx.Err()
		}
		if err := h.askCalls(ctx, w, calls); err != nil {
			return err
		}
		emit(b, w)
	}
}

// outOfOrder are the calls with a refusal from a time when the ML API refused everything.
func (h *Handler) outOfOrder(ctx context.Context, w *work) (calls []int) {
	var last uint64
	for i := range w.results {
		last = max(last, w.results[i].LastRefusal())
	}
	if last == 0 {
		return nil
	}
	h.cfg.Refusals.Wait(ctx, last, settleTime)
	for i := range w.results {
		if slices.ContainsFunc(w.results[i].Items, func(item prediction.Item) bool {
			return item.Refusal != nil && h.cfg.Refusals.Fate(item.Refusal.At) == prediction.Discarded
		}) {
			calls = append(calls, i)
		}
	}
	return calls
}
