package classify

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/prediction"
)

// settleTime is how long a transaction with refusals waits for the rows that follow, which show whether the ML API
// refuses these rows or everything. In little traffic the refusals stand after it.
const settleTime = time.Second

// settle waits until the refusals of a transaction are about its messages, and asks the void ones again: the ML API was
// out of order then, and its refusals are no dead letters.
func (c *Classifier) settle(t *underWay) error {
	for {
		calls := c.voidCalls(t.ctx, t.work)
		if len(calls) == 0 {
			return t.ctx.Err()
		}
		group, ctx := errgroup.WithContext(t.ctx)
		group.SetLimit(c.cfg.Concurrency)
		for _, i := range calls {
			group.Go(func() error { return c.askCall(ctx, t.work, i) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		clear(t.work.deadLetters)
		t.work.arena = t.work.arena[:0]
		c.fill(t.work)
	}
}

// voidCalls are the calls of which a refusal is void.
func (c *Classifier) voidCalls(ctx context.Context, w *work) (calls []int) {
	var last uint64
	for i := range w.results {
		last = max(last, w.results[i].LastRefusal())
	}
	if last == 0 {
		return nil
	}
	c.cfg.Refusals.Wait(ctx, last, settleTime)
	for i := range w.results {
		for _, item := range w.results[i].Items {
			if item.Refusal != nil && c.cfg.Refusals.Fate(item.Refusal.At) == prediction.Void {
				calls = append(calls, i)
				break
			}
		}
	}
	return calls
}
