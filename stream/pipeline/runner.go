// Package pipeline runs a stream pipeline. A member of its consumer group polls a batch of messages, has the pipeline's
// Handler decide what becomes of each, and writes results, dead letters and consumed offsets in one Kafka transaction:
// after any crash, rebalance or abort each message has exactly one result.
//
// Two goroutines work at the same time: one polls and handles the next batch while the other writes the batch before.
// The unbuffered channel between them keeps the order of batches, and no more than two are in memory.
//
// Whoever adds a pipeline writes a Handler, and describes its topics and schemas; stream/kafka implements Session.
package pipeline

import (
	"context"
	"errors"
	"time"
)

// Runner is one member of a pipeline's consumer group.
type Runner struct {
	session Session
	handler Handler
	cfg     Config

	free     chan *Batch   // batches whose memory may be used again
	todo     chan *Batch   // handled, to be written
	stopped  chan struct{} // closed when the writer has ended
	writeErr error         // why; to be read once stopped is closed
}

// New makes a member.
func New(session Session, handler Handler, cfg Config) *Runner {
	return &Runner{session: session, handler: handler, cfg: cfg,
		free: make(chan *Batch, 2), todo: make(chan *Batch), stopped: make(chan struct{})}
}

// Run works until the context ends, which is no error; batches in work then get DrainLimit to be done. It is called
// once.
func (r *Runner) Run(ctx context.Context) error {
	go func() {
		defer close(r.stopped)
		for b := range r.todo {
			if r.writeErr = r.end(ctx, b, r.write(b)); r.writeErr != nil {
				return
			}
		}
	}()
	err := r.poll(ctx)
	close(r.todo)
	<-r.stopped
	if ctx.Err() != nil {
		return nil // end has logged what was not done
	}
	if err == nil || errors.Is(err, errWriterStopped) {
		return r.writeErr
	}
	return err
}

// poll polls and handles batches, and hands them to the writer.
func (r *Runner) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		polled, err := r.session.Poll(ctx, r.cfg.BatchMessages, r.cfg.MaxWait)
		if err == nil {
			err = r.rebalance(ctx, &polled)
		}
		if err != nil {
			return err
		}
		if len(polled.Messages) == 0 {
			select {
			case <-r.stopped:
				return nil // Run reports why
			default:
				continue
			}
		}
		b := r.begin(ctx, polled.Messages)
		if err = r.handle(b); err == nil {
			err = r.handOver(b)
		}
		if err != nil {
			if err = r.end(ctx, b, err); err != nil {
				return err
			}
		}
	}
	return nil
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
	return r.whileAlive(ctx, func(ctx context.Context) error { return handler.Assigned(ctx, p.Assigned) })
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

// handle has the handler decide about a batch.
func (r *Runner) handle(b *Batch) error {
	err := r.whileAlive(b.ctx, func(ctx context.Context) error { return r.handler.Handle(ctx, b) })
	b.handled = r.cfg.Now().Sub(b.start)
	return err
}

// keepAlive is how often the broker hears of a member that handles a batch: far below any session's timeout.
const keepAlive = 500 * time.Millisecond

// whileAlive does a step and keeps the partitions meanwhile, however long it takes. It gives the step up when the
// writer has ended or the session fails.
func (r *Runner) whileAlive(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- step(ctx) }()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		var err error
		select {
		case err := <-done:
			return err
		case <-r.stopped:
			err = errWriterStopped
		case <-tick.C:
			err = r.session.KeepAlive(ctx)
		}
		if err != nil {
			cancel()
			<-done //nolint:errcheck // the first error counts
			return err
		}
	}
}

// errWriterStopped ends the batch that was handled when the writer failed. Its messages come again, as those of
// ErrAborted do.
var errWriterStopped = errors.New("the transaction before could not be written")

// handOver gives a batch to the writer once the batch before has ended, and keeps the partitions meanwhile.
func (r *Runner) handOver(b *Batch) error {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case r.todo <- b:
			return nil
		case <-r.stopped:
			return errWriterStopped
		case <-tick.C:
			if err := r.session.KeepAlive(b.ctx); err != nil {
				return err
			}
		}
	}
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
