// Package classify takes transactions from a topic, asks the ML API for their categories, and writes results, dead letters
// and the offsets that are done in one transaction: after any kill, each message has exactly one result.
package classify

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/message"
	"github.com/txflow/txflow/stream/topics"
)

// Pipeline is the name of this pipeline in every table.
const Pipeline = "stream"

// Classifier is one member of the group.
type Classifier struct {
	log       Log
	predictor Predictor
	cfg       Config
	logger    *slog.Logger
	parser    message.Parser
	info      batch.RunInfo
	observer  Observer
	arena     []byte // keys and values of one transaction
}

// New makes a classifier.
func New(log Log, predictor Predictor, cfg Config, logger *slog.Logger, observer Observer) *Classifier {
	return &Classifier{log: log, predictor: predictor, cfg: cfg, logger: logger, observer: observer,
		parser: message.Parser{Rules: cfg.Rules}, info: batch.RunInfo{Pipeline: Pipeline, RunID: cfg.Group, TaskTry: 1}}
}

// Run works until the context ends, which is no error; what is under way then gets DrainLimit to be done.
func (c *Classifier) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		messages, err := c.log.Poll(ctx, c.cfg.TransactionRows, c.cfg.MaxWait)
		if err != nil || len(messages) == 0 {
			if err != nil && ctx.Err() == nil {
				return err
			}
			continue
		}
		c.observer.Begin(len(messages))
		done, err := c.transaction(ctx, messages)
		done.GivenUp = err != nil
		c.observer.End(done)
		switch {
		case errors.Is(err, ErrRedelivered):
			c.logger.WarnContext(ctx, "a transaction was given up, its messages come again", "messages", len(messages), "error", err)
		case err != nil && ctx.Err() != nil:
			c.logger.WarnContext(ctx, "the last transaction was not done in time; its messages come again", "messages", len(messages), "error", err)
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

func (c *Classifier) transaction(ctx context.Context, messages []Message) (t Transaction, err error) {
	ctx, cancel := drain(ctx, c.cfg.DrainLimit)
	defer cancel()
	ctx, span := startSpan(ctx, c.cfg.Tracer, c.cfg.Group, messages)
	defer func() { endSpan(span, err) }()
	start := time.Now()
	t = Transaction{Messages: len(messages), Letters: map[transaction.Code]int{}}
	defer func() {
		end := time.Now()
		t.Took, t.Delays = end.Sub(start), make([]time.Duration, 0, len(messages))
		for i := range messages {
			if at := messages[i].Time; !at.IsZero() {
				t.Delays = append(t.Delays, max(end.Sub(at), 0))
			}
		}
	}()
	w := c.parse(messages)
	w.letters = t.Letters
	if err := c.askAlive(ctx, w); err != nil {
		return t, err
	}
	t.Asked = time.Since(start)
	return t, c.log.Commit(ctx, c.records(w), messages)
}

// drain ends limit after ctx does.
func drain(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(limit, cancel)
		context.AfterFunc(late, func() { timer.Stop() })
	})
	return late, func() { stop(); cancel() }
}

// work is a transaction under way.
type work struct {
	messages []Message
	parsed   []message.Parsed
	rejected []transaction.Violation // by message; an empty code is none
	rows     []transaction.Transaction
	of       []int // rows[i] is of messages[of[i]]
	results  []prediction.Result
	letters  map[transaction.Code]int
}

func (c *Classifier) parse(messages []Message) *work {
	w := &work{messages: messages, parsed: make([]message.Parsed, len(messages)), rejected: make([]transaction.Violation, len(messages))}
	for i := range messages {
		if len(messages[i].Value) > c.cfg.MaxMessage {
			w.rejected[i].Code = transaction.CodeMessageSize
			continue
		}
		w.rejected[i] = c.parser.Parse(messages[i].Value, &w.parsed[i])
		if w.rejected[i].Code == transaction.CodeOK {
			w.rows, w.of = append(w.rows, w.parsed[i].Transaction), append(w.of, i)
		}
	}
	return w
}

// keepAlive is how often the broker hears of us during a long call: far below any session's timeout.
const keepAlive = 500 * time.Millisecond

// askAlive asks for all rows and keeps the partitions meanwhile, however long an outage lasts.
func (c *Classifier) askAlive(ctx context.Context, w *work) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := make(chan error, 1)
	go func() { asked <- c.ask(ctx, w) }()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case err := <-asked:
			return err
		case <-tick.C:
			if err := c.log.KeepAlive(ctx); err != nil {
				cancel()
				<-asked //nolint:errcheck // the first error counts
				return err
			}
		}
	}
}

func (c *Classifier) ask(ctx context.Context, w *work) error {
	size := c.cfg.BatchRows
	w.results = make([]prediction.Result, (len(w.rows)+size-1)/size)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.cfg.Concurrency)
	for i := range w.results {
		group.Go(func() (err error) {
			w.results[i], err = c.predictor.Predict(ctx, w.rows[i*size:min((i+1)*size, len(w.rows))])
			return err
		})
	}
	return group.Wait()
}

// records makes the messages to be written, in the order of those that came.
func (c *Classifier) records(w *work) []Record {
	records := make([]Record, len(w.messages))
	now := time.Now()
	for i := range w.messages {
		if v := w.rejected[i]; v.Code != transaction.CodeOK {
			d := batch.DeadLetter{Outcome: batch.OutcomeRejected, SourceID: w.parsed[i].Transaction.SourceID, Column: v.Column, Code: v.Code, Message: v.Code.Message(), At: now}
			if d.SourceID != "" {
				d.ID = &w.parsed[i].Transaction.ID
			}
			records[i] = c.letter(w, i, d)
		}
	}
	n := 0
	var shared sharedCall
	c.arena = c.arena[:0]
	for r := range w.results {
		result := &w.results[r]
		for _, item := range result.Items {
			i := w.of[n]
			n++
			call := &result.Calls[item.Call]
			p := &w.parsed[i]
			if item.Refusal != nil {
				id := p.Transaction.ID
				records[i] = c.letter(w, i, batch.DeadLetter{Outcome: batch.OutcomeDeadLetter, ID: &id, SourceID: p.Transaction.SourceID,
					ContentHash: p.ContentHash, Code: transaction.CodePrediction, Message: item.Refusal.Message, Call: call, At: call.AnsweredAt})
				continue
			}
			info, at := c.infoOf(w, i)
			row := batch.Classified{Transaction: p.Transaction, ContentHash: p.ContentHash, Category: item.Category, Call: call, Origin: at}
			key := len(c.arena)
			c.arena = p.Transaction.ID.Append(c.arena)
			value := len(c.arena)
			c.arena = message.AppendClassified(c.arena, &row, shared.text(info, at, call))
			records[i] = Record{Topic: topics.Classified, Key: c.arena[key:value:value], Value: c.arena[value:len(c.arena):len(c.arena)]}
		}
	}
	return records
}

// sharedCall makes the text of a call once for the rows that share it, which mostly stand together.
type sharedCall struct {
	info      batch.RunInfo
	partition int32
	call      *prediction.Call
	made      []byte
}

func (s *sharedCall) text(info batch.RunInfo, at batch.Origin, call *prediction.Call) []byte {
	if s.call != call || s.info != info || s.partition != at.Partition {
		s.info, s.partition, s.call, s.made = info, at.Partition, call, info.AppendCall(nil, at, call)
	}
	return s.made
}

func (c *Classifier) infoOf(w *work, i int) (batch.RunInfo, batch.Origin) {
	info := c.info
	info.Source, info.OriginTraceID = w.parsed[i].Source, traceOf(w.messages[i].Traceparent)
	return info, batch.Origin{Origin: topics.Raw, Partition: w.messages[i].Partition, Position: uint64(w.messages[i].Offset)} //nolint:gosec // an offset is not negative
}

func (c *Classifier) letter(w *work, i int, d batch.DeadLetter) Record {
	w.letters[d.Code]++
	info, at := c.infoOf(w, i)
	d.Origin = at
	if d.Code != transaction.CodeMessageSize {
		d.Raw = w.messages[i].Value
	}
	headers := map[string]string{message.HeaderReason: string(d.Code), message.HeaderOrigin: topics.Raw, message.HeaderReplays: strconv.Itoa(w.messages[i].Replays)}
	if info.OriginTraceID != "" {
		headers[message.HeaderTrace] = w.messages[i].Traceparent
	}
	return Record{Topic: topics.DeadLetters, Value: message.AppendDeadLetter(nil, &info, &d, w.messages[i].Replays), Headers: headers}
}
