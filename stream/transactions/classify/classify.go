// Package classify takes transactions from a topic, asks the ML API for their categories, and writes results, dead letters
// and the offsets that are done in one transaction: after any kill, each message has exactly one result.
package classify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/transactions/message"
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
	info      ledger.RunInfo
	observer  Observer
	last      *work // of the transaction that is being written
	spare     *work // of the one before it, whose memory is used again
}

// New makes a classifier.
func New(log Log, predictor Predictor, cfg Config, logger *slog.Logger, observer Observer) *Classifier {
	return &Classifier{log: log, predictor: predictor, cfg: cfg, logger: logger, observer: observer,
		info: ledger.RunInfo{Pipeline: Pipeline, RunID: cfg.Group, TaskTry: 1},
		last: &work{}, spare: &work{}}
}

// Run works until the context ends, which is no error; what is under way then gets DrainLimit to be done. While one
// transaction is written the next one is polled and asked for; they are committed one after the other.
func (c *Classifier) Run(ctx context.Context) error {
	written := make(chan error, 1) // how the last transaction ended
	written <- nil
	err := c.run(ctx, written)
	if last := <-written; err == nil {
		err = last
	}
	if ctx.Err() != nil {
		return nil // what was not done is told
	}
	return err
}

func (c *Classifier) run(ctx context.Context, written chan error) error {
	for ctx.Err() == nil {
		messages, err := c.log.Poll(ctx, c.cfg.TransactionRows, c.cfg.MaxWait)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			select {
			case last := <-written:
				written <- last
				if last != nil {
					return last
				}
			default:
			}
			continue
		}
		t := c.begin(ctx, messages)
		if err = c.answer(t); err == nil {
			err = c.alive(t.ctx, written)
		}
		if err != nil {
			return c.end(ctx, t, err)
		}
		go func() {
			err := c.settle(t)
			if err == nil {
				err = c.log.Commit(t.ctx, t.work.records, messages)
			}
			written <- c.end(ctx, t, err)
		}()
	}
	return nil
}

// underWay is a transaction from its poll to its end.
type underWay struct {
	ctx    context.Context //nolint:containedctx // it ends with the transaction
	cancel context.CancelFunc
	span   trace.Span
	start  time.Time
	work   *work
	told   Transaction
}

func (c *Classifier) begin(ctx context.Context, messages []Message) *underWay {
	c.observer.Begin(len(messages))
	t := &underWay{start: c.cfg.Now(), told: Transaction{Messages: len(messages), DeadLetters: map[transaction.Code]int{}}}
	t.ctx, t.cancel = drain(ctx, c.cfg.DrainLimit)
	t.ctx, t.span = startSpan(t.ctx, c.cfg.Tracer, c.cfg.Group, messages)
	t.work = c.parse(messages)
	t.work.deadLetters = t.told.DeadLetters
	return t
}

// answer asks the ML API for all messages of a transaction and makes the records to be written.
func (c *Classifier) answer(t *underWay) error {
	asked := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	go func() { asked <- c.ask(ctx, t.work) }()
	if err := c.alive(t.ctx, asked); err != nil {
		cancel()
		<-asked //nolint:errcheck // the first error counts
		return err
	}
	t.told.Asked = c.cfg.Now().Sub(t.start)
	c.fill(t.work)
	return nil
}

// end tells what became of a transaction. Its error is one that ends the work.
func (c *Classifier) end(ctx context.Context, t *underWay, err error) error {
	now := c.cfg.Now()
	t.told.Took, t.told.GivenUp = now.Sub(t.start), err != nil
	t.told.Delays = make([]time.Duration, 0, t.told.Messages)
	for i := range t.work.messages {
		t.told.Deleted += t.work.messages[i].Gap
		if at := t.work.messages[i].Time; !at.IsZero() {
			t.told.Delays = append(t.told.Delays, max(now.Sub(at), 0))
		}
	}
	endSpan(t.span, err)
	t.cancel()
	c.observer.End(t.told)
	switch {
	case errors.Is(err, ErrRedelivered):
		c.logger.WarnContext(ctx, "a transaction was given up, its messages come again", "messages", t.told.Messages, "error", err)
		return nil
	case err != nil && ctx.Err() != nil:
		c.logger.WarnContext(ctx, "the last transaction was not done in time; its messages come again", "messages", t.told.Messages, "error", err)
	}
	return err
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
	messages    []Message
	parsed      []message.Parsed
	rejected    []transaction.Violation // by message; an empty code is none
	rows        []transaction.Transaction
	of          []int // rows[i] is of messages[of[i]]
	results     []prediction.Result
	records     []Record
	arena       []byte // keys and values of the records
	deadLetters map[transaction.Code]int
}

// parse checks messages. Two transactions are under way at the most, so the memory of the last but one is used again.
func (c *Classifier) parse(messages []Message) *work {
	w := c.spare
	c.spare, c.last = c.last, w
	c.parser.Rules = transaction.DefaultRules(c.cfg.Now()) // what counts as the future moves on
	c.parser.Rules.Source = c.cfg.Source
	n := len(messages)
	*w = work{messages: messages, parsed: slices.Grow(w.parsed[:0], n)[:n], rejected: slices.Grow(w.rejected[:0], n)[:n],
		rows: w.rows[:0], of: w.of[:0], records: slices.Grow(w.records[:0], n)[:n], arena: w.arena[:0]}
	clear(w.records) // should one of them not be made, it must not be another transaction's
	for i := range messages {
		if messages[i].Gap > 0 {
			w.parsed[i], w.rejected[i] = message.Parsed{}, transaction.Violation{Code: transaction.CodeDeleted}
			continue
		}
		if len(messages[i].Value) > c.cfg.MaxMessage {
			w.parsed[i], w.rejected[i] = message.Parsed{}, transaction.Violation{Code: transaction.CodeMessageSize}
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

// alive waits for an outcome and keeps the partitions meanwhile, however long it takes. One that is an error stays in the channel.
func (c *Classifier) alive(ctx context.Context, outcome chan error) error {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case err := <-outcome:
			if err != nil {
				outcome <- err
			}
			return err
		case <-tick.C:
			if err := c.log.KeepAlive(ctx); err != nil {
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
		group.Go(func() error { return c.askCall(ctx, w, i) })
	}
	return group.Wait()
}

// askCall asks for the i-th call's rows of a transaction.
func (c *Classifier) askCall(ctx context.Context, w *work, i int) (err error) {
	size := c.cfg.BatchRows
	w.results[i], err = c.predictor.Predict(ctx, w.rows[i*size:min((i+1)*size, len(w.rows))])
	return err
}
