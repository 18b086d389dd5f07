package classify

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
)

// memorySession is a topic in memory that ends the work when all of it is done.
type memorySession struct {
	source    []pipeline.Message
	commits   []error // what the next commits say, nil after them
	keptAlive chan struct{}
	end       context.CancelFunc
	writing   chan struct{} // if there is one, a commit waits until something comes

	mu         sync.Mutex
	next, done int // after the last message that was polled, that was committed
	epoch      uint64
	written    []pipeline.Record
	polled     func() // called before messages are handed out, if there is one: once those before are committed
	ahead      int    // the most messages that were ever polled and not committed
}

func (l *memorySession) Poll(ctx context.Context, limit int, _ time.Duration) (pipeline.Polled, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == len(l.source) {
		l.end()
	}
	if l.polled != nil && l.next > l.done {
		limit = 0
	}
	some := slices.Clone(l.source[l.next:min(l.next+limit, len(l.source))])
	for i := range some {
		some[i].Epoch = l.epoch
	}
	l.next += len(some)
	if l.polled != nil && len(some) > 0 {
		l.polled()
	}
	l.ahead = max(l.ahead, l.next-l.done)
	if len(some) == 0 { // a poll keeps the member alive, too
		_ = l.KeepAlive(ctx)
	}
	return pipeline.Polled{Messages: some}, nil
}

func (l *memorySession) KeepAlive(context.Context) error {
	select {
	case l.keptAlive <- struct{}{}:
	default:
	}
	return nil
}

func (l *memorySession) Commit(_ context.Context, records []pipeline.Record, done []pipeline.Message) error {
	if l.writing != nil {
		<-l.writing
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if done[0].Epoch != l.epoch {
		return fmt.Errorf("%w: discarded", pipeline.ErrAborted)
	}
	if len(l.commits) > 0 {
		err := l.commits[0]
		if l.commits = l.commits[1:]; err != nil {
			l.next = l.done
			l.epoch++
			return err
		}
	}
	for _, r := range records { // the caller uses its memory again
		l.written = append(l.written, pipeline.Record{Topic: r.Topic, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value),
			Headers: slices.Clone(r.Headers)})
	}
	l.done += len(done)
	return nil
}

// predictor answers Food, refuses what a description tells it to refuse, and waits for a gate.
type predictor struct {
	gate  chan struct{}
	sizes chan int
}

func (p *predictor) Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return prediction.Result{}, ctx.Err()
		}
	}
	if p.sizes != nil {
		p.sizes <- len(rows)
	}
	r := prediction.Result{Calls: []prediction.Call{{Model: "m", Attempt: 1}}}
	for i := range rows {
		item := prediction.Item{Category: transaction.DefaultCategories.At(2)}
		if rows[i].Description == "poison" {
			item.Refusal = &prediction.Refusal{Status: 422, Message: "not this one"}
		}
		r.Items = append(r.Items, item)
	}
	return r, nil
}

type observer struct {
	mu   sync.Mutex
	seen []pipeline.Stats
}

func (o *observer) Begin(int) {}

func (o *observer) End(t pipeline.Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, t)
}
