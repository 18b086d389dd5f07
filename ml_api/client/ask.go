package client

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// reply is what the service finally said to a batch.
type reply struct {
	call    prediction.Call
	refusal *prediction.Refusal // nil: the items hold their categories
	blamed  []int               // the items that the refusal names, if it names any
	problem bool                // the refusal is in the contract's form
}

// ask sends one batch until it is answered or refused. Faults and throttling are waited out up to the limit.
func (c *Client) ask(ctx context.Context, transactions []transaction.Transaction, items []prediction.Item,
	body *payload) (reply, error) {
	wait := waiting{client: c}
	for attempt := 1; ; attempt++ {
		if err := c.admit(ctx, &wait); err != nil {
			return reply{}, err
		}
		started := time.Now()
		r, o := c.attempt(ctx, transactions, items, body, attempt)
		v := judge(ctx, &o.outcome)
		c.settle(v, &o.outcome, started)
		switch v {
		case answered, refused:
			return r, nil
		case cancelled:
			return reply{}, ctx.Err()
		case misconfigured:
			return reply{}, c.misconfigured(&o)
		case wrongModel:
			return reply{}, fault.WithHint(fault.Failf(fault.ExitData, "the ML API at %s answers as model %q, expected is %q",
				c.where, r.call.Model, c.cfg.ExpectModel),
				"give --expect-model the version that answers, or none for any; or have the other model deployed")
		}
		if attempt == c.cfg.MaxAttempts {
			return reply{}, fault.WithHint(fault.Failf(fault.ExitTryAgain, "the ML API at %s gave no usable answer in %s: %w",
				c.where, display.Count(attempt, "attempt"), o.cause()), nextStart)
		}
		delay := max(c.cfg.backoff().Delay(attempt), o.retryAfter)
		c.counts.retries.Add(1)
		c.cfg.Logger.Debug("asking the ML API again", "attempt", attempt, "delay", delay, "cause", o.cause())
		if err := wait.pause(ctx, delay, started, o.cause()); err != nil {
			return reply{}, err
		}
	}
}

// admit waits for the circuit breaker, then for a place among the calls in flight.
func (c *Client) admit(ctx context.Context, wait *waiting) error {
	for !c.breaker.TryAcquirePermit() {
		delay := max(c.breaker.RemainingDelay(), c.cfg.BreakerDelay/20) + rand.N(max(c.cfg.BreakerDelay/20, 1))
		if err := wait.pause(ctx, delay, time.Now(), errBreakerOpen); err != nil {
			return err
		}
	}
	if err := c.limiter.acquire(ctx); err != nil {
		c.abandonProbe()
		return err
	}
	return nil
}

// settle reports the outcome of a request to the breaker and the limiter. Whatever the service says in its own words, a
// refusal as well, shows that it is alive.
func (c *Client) settle(v verdict, o *outcome, started time.Time) {
	overloaded := v == throttled || v == transient && (o.status >= 500 || isTimeout(o.err)) ||
		v == answered && time.Since(started) > c.cfg.CallTimeout/2
	switch v {
	case transient:
		c.breaker.RecordFailure()
	case cancelled:
		c.abandonProbe()
	default:
		c.breaker.RecordSuccess()
	}
	c.limiter.release(started, overloaded)
	c.counts.attempt(v, o)
	if v == answered {
		c.blocked.end(c.cfg.Logger)
	}
}

// abandonProbe gives a probe's permit back. In the closed state there is none, and giving up is not the service's
// fault.
func (c *Client) abandonProbe() {
	if !c.breaker.IsClosed() {
		c.breaker.RecordFailure()
	}
}
