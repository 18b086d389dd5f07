// Package pipeline runs a stream pipeline. A member of its consumer group polls a batch of messages, has the pipeline's
// Handler decide what becomes of each, and writes results, dead letters and consumed offsets in one Kafka transaction:
// after any crash, rebalance or abort each message has exactly one result.
//
// Three goroutines work at the same time: one polls the next batch, one handles a batch, and one writes the batch
// before it. The unbuffered channels between them keep the order of batches, and no more than three are in memory.
//
// Whoever adds a pipeline writes a Handler, and describes its topics and schemas; stream/kafka implements Session.
package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Runner is one member of a pipeline's consumer group.
type Runner struct {
	session Session
	handler Handler
	cfg     Config

	free   chan *Batch     // batches whose memory may be used again
	polled chan Polled     // to be handled
	todo   chan *Batch     // handled, to be written
	failed context.Context // it ends when one of the three goroutines fails
	fail   context.CancelCauseFunc
}

// New makes a member.
func New(session Session, handler Handler, cfg Config) *Runner {
	r := &Runner{session: session, handler: handler, cfg: cfg, free: make(chan *Batch, 2), polled: make(chan Polled),
		todo: make(chan *Batch)}
	r.failed, r.fail = context.WithCancelCause(context.Background())
	return r
}

// Run works until the context ends, which is no error; batches in work then get DrainLimit to be done. It is called
// once.
func (r *Runner) Run(ctx context.Context) error {
	defer r.fail(nil)
	var working sync.WaitGroup
	working.Go(func() { r.handleAll(ctx) })
	working.Go(func() { r.writeAll(ctx) })
	done := make(chan struct{})
	go func() {
		working.Wait()
		close(done)
	}()
	err := r.poll(ctx)
	close(r.polled)
	if err == nil {
		err = r.keepAlive(context.WithoutCancel(ctx), nil, Polled{}, done)
	}
	if err != nil {
		r.fail(err)
	}
	<-done
	if ctx.Err() != nil {
		return nil // end has logged what was not done
	}
	return context.Cause(r.failed)
}

// errStopped ends what is in work when another part of the member has failed. Its messages come again, as those of
// ErrAborted do.
var errStopped = errors.New("another part of the member has failed")

// poll polls batches and gives them to be handled, until the context ends or the member fails.
func (r *Runner) poll(ctx context.Context) error {
	for ctx.Err() == nil && r.failed.Err() == nil {
		polled, err := r.session.Poll(ctx, r.cfg.BatchMessages, r.cfg.MaxWait)
		if err == nil && len(polled.Messages)+len(polled.Assigned)+len(polled.Revoked) > 0 {
			err = r.keepAlive(ctx, r.polled, polled, ctx.Done()) // at the end it comes again instead
		}
		if err != nil && ctx.Err() == nil { // at the end there may be errors of what ended, and batches in work go on
			return err
		}
	}
	return nil
}

// keepAliveEvery is how often the broker hears of a member that does not poll: far below any session's timeout.
const keepAliveEvery = 500 * time.Millisecond

// keepAlive keeps the partitions until a taker, where there is one, has what was polled, done is closed, or the member
// fails.
func (r *Runner) keepAlive(ctx context.Context, taker chan<- Polled, polled Polled, done <-chan struct{}) error {
	tick := time.NewTicker(keepAliveEvery)
	defer tick.Stop()
	for {
		select {
		case taker <- polled:
			return nil
		case <-done:
			return nil
		case <-r.failed.Done():
			return nil
		case <-tick.C:
			if err := r.session.KeepAlive(ctx); err != nil {
				return err
			}
		}
	}
}

// handleAll handles what is polled, and gives it to be written.
func (r *Runner) handleAll(ctx context.Context) {
	defer close(r.todo)
	for polled := range r.polled {
		err := r.rebalance(ctx, &polled)
		if err == nil && len(polled.Messages) > 0 {
			err = r.handle(ctx, polled.Messages)
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
}

// writeAll writes what is handled.
func (r *Runner) writeAll(ctx context.Context) {
	for b := range r.todo {
		if err := r.end(ctx, b, r.write(b)); err != nil {
			r.fail(err)
			return
		}
	}
}

// rebalance notifies the handler which partitions have come and gone.
func (r *Runner) rebalance(ctx context.Context, p *Polled) error {
	handler, ok := r.handler.(PartitionHandler)
	if !ok {
		return nil
	}
	if len(p.Revoked) > 0 {
		handler.Revoked(p.Revoked)
	}
	if len(p.Assigned) == 0 {
		return nil
	}
	return r.unlessFailed(ctx, func(ctx context.Context) error { return handler.Assigned(ctx, p.Assigned) })
}

// begin makes a batch of messages.
func (r *Runner) begin(ctx context.Context, messages []Message) *Batch {
	r.cfg.Observer.Begin(len(messages))
	var b *Batch
	select {
	case b = <-r.free:
	default:
		b = &Batch{}
	}
	b.start = r.cfg.Now()
	b.ctx, b.cancel = drain(ctx, r.cfg.DrainLimit)
	b.ctx, b.span = startSpan(b.ctx, &r.cfg, messages)
	b.reset(&r.cfg, messages)
	return b
}

// handle has the handler decide about a batch, which the writer gets once it has written the batch before.
func (r *Runner) handle(ctx context.Context, messages []Message) error {
	b := r.begin(ctx, messages)
	err := r.unlessFailed(b.ctx, func(ctx context.Context) error { return r.handler.Handle(ctx, b) })
	b.handled = r.cfg.Now().Sub(b.start)
	if err == nil {
		select {
		case r.todo <- b:
			return nil
		case <-r.failed.Done():
			err = errStopped
		}
	}
	return r.end(ctx, b, err)
}

// unlessFailed does a step, whose context ends when the member fails.
func (r *Runner) unlessFailed(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.failed, cancel)()
	if err := step(ctx); r.failed.Err() == nil {
		return err
	}
	return errStopped
}

// write writes the transaction of a batch.
func (r *Runner) write(b *Batch) error {
	if settler, ok := r.handler.(Settler); ok {
		if err := settler.Settle(b.ctx, b); err != nil {
			return err
		}
	}
	records, err := b.results()
	if err != nil {
		return err
	}
	if err := r.session.Commit(b.ctx, records, b.Messages); err != nil {
		return err
	}
	if handler, ok := r.handler.(CommitHandler); ok {
		handler.Committed(b.Messages)
	}
	return nil
}

// end reports what became of a batch. Its error is one that ends the member.
func (r *Runner) end(ctx context.Context, b *Batch, err error) error {
	endSpan(b.span, err)
	b.cancel()
	n := len(b.Messages)
	r.cfg.Observer.End(b.stats(r.cfg.Now(), err))
	select {
	case r.free <- b:
	default:
	}
	switch {
	case errors.Is(err, ErrAborted):
		r.cfg.Log.WarnContext(ctx, "a transaction was aborted, its messages come again", "messages", n, "error", err)
		return nil
	case err != nil && ctx.Err() != nil:
		r.cfg.Log.WarnContext(ctx, "the last transaction was not done in time; its messages come again", "messages", n,
			"error", err)
	}
	return err
}

// drain is a context that ends limit after ctx does.
func drain(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(limit, cancel)
		context.AfterFunc(late, func() { timer.Stop() })
	})
	return late, func() { stop(); cancel() }
}
