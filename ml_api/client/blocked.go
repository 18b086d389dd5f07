package client

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// repairable reports whether an error is one that an operator puts right at the service or on the way to it.
func repairable(err error) bool {
	code := fault.ExitCode(err)
	return code == fault.ExitUnavailable || code == fault.ExitTryAgain
}

// probe asks once. When the service can not be used it says so and waits. While the service refuses too many rows only
// one caller asks at a time.
func (c *Client) probe(ctx context.Context, transactions []transaction.Transaction, attempt int) (prediction.Result,
	error) {
	leave, err := c.cfg.Refusals.Enter(ctx)
	if err != nil {
		return prediction.Result{}, err
	}
	defer leave()
	result, err := c.predictOnce(ctx, transactions)
	if err == nil || !repairable(err) {
		return result, err
	}
	c.blocked.begin(c.cfg.Logger, err)
	const slower = 6 // than an outage: people are slow
	patience := retry.Policy{First: slower * c.cfg.BackoffBase, Longest: slower * c.cfg.BackoffMax}
	began := time.Now()
	if err := retry.Wait(ctx, patience.Delay(attempt)); err != nil {
		return result, err
	}
	c.counts.waited.Add(int64(time.Since(began)))
	return result, err
}

// discarded reports whether a refusal of a result is discarded.
func (c *Client) discarded(result *prediction.Result) bool {
	return slices.ContainsFunc(result.Items, func(i prediction.Item) bool {
		return i.Refusal != nil && c.cfg.Refusals.Fate(i.Refusal.At) == prediction.Discarded
	})
}

// Blocked says what a patient client waits for an operator to put right; "" while there is nothing.
func (c *Client) Blocked() string { return c.blocked.what() }

// blocked is what an operator has to put right, and when that was last logged.
type blocked struct {
	is     atomic.Bool // so that a call that is answered need not lock
	mu     sync.Mutex
	reason string
	logged time.Time
}

const logEvery = time.Minute

func (b *blocked) begin(log *slog.Logger, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.is.Store(true)
	if reason := err.Error(); reason != b.reason || time.Since(b.logged) >= logEvery {
		b.reason, b.logged = reason, time.Now()
		log.Error("waiting for the ML API to be put right; nothing is lost meanwhile", "error", reason, "next",
			fault.Hint(err))
	}
}

func (b *blocked) end(log *slog.Logger) {
	if !b.is.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.is.Swap(false) {
		log.Info("the ML API can be used again", "was", b.reason)
		b.reason = ""
	}
}

func (b *blocked) what() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason
}

// refusesTooMany is the error for a service that refuses more than it may.
func (c *Client) refusesTooMany(last *prediction.Refusal) error {
	err := fault.Failf(fault.ExitTryAgain,
		"the ML API at %s refuses too many rows: more than --max-refused of the last %d, the last with HTTP status %d (%d "+
			"bytes)",
		c.where, prediction.RefusalWindow, last.Status, len(last.Message))
	return fault.WithHint(err,
		"nothing of it became a dead letter: repair the ML API and run the same again; --max-refused 1 takes every refusal "+
			"for the row's own fault")
}

// foreignLimit is the error for a single transaction that something before the service finds too large.
func (c *Client) foreignLimit(size int) error {
	err := fault.Fail(fault.ExitUnavailable,
		fmt.Errorf("the ML API at %s answers 413 to one transaction of %d bytes, and not in its contract's form", c.where,
			size))
	return fault.WithHint(err, "raise the limit of the proxy before the ML API")
}
