package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txflow/txflow/internal/retry"

	"github.com/txflow/txflow/internal/fault"
)

var errBreakerOpen = errors.New("the circuit breaker is open, since most of the last calls failed")

// nextStart is what to do about an ML API that gives no answer.
const nextStart = "start one with txflow ml-api, or name another with --ml-url (ML_API_URL)"

// waiting is the patience of one batch: it counts from the first fault that the batch met.
type waiting struct {
	client *Client
	since  time.Time
	cause  error // the last fault of the service itself
}

// pause waits out delay, or what is left of the limit if that is less, so that a last attempt is made at its end. After
// the end it fails with exit code 75.
func (w *waiting) pause(ctx context.Context, delay time.Duration, faultBegan time.Time, cause error) error {
	if w.since.IsZero() {
		w.since = faultBegan
	}
	if w.cause == nil || !errors.Is(cause, errBreakerOpen) {
		w.cause = cause
	}
	left := w.client.cfg.OutageLimit - time.Since(w.since)
	if left <= 0 {
		err := fmt.Errorf("the ML API at %s gave no usable answer for %s: %w", w.client.where,
			max(w.client.cfg.OutageLimit, 0), w.cause)
		return fault.WithHint(fault.Fail(fault.ExitTryAgain, err),
			"predictions received so far are kept; run the same command again when the ML API is available")
	}
	w.client.notice.outage(w, left)
	began := time.Now()
	if err := retry.Wait(ctx, min(delay, left)); err != nil {
		return err
	}
	w.client.counts.waited.Add(int64(time.Since(began)))
	return nil
}

// notice logs an outage once it has lasted for a moment, and then every half minute: once for all batches that wait.
type notice struct {
	after, every time.Duration
	logged       retry.Notice
}

func (n *notice) outage(w *waiting, left time.Duration) {
	if time.Since(w.since) < n.after || !n.logged.Due(n.every) {
		return
	}
	w.client.cfg.Logger.Warn("waiting for the ML API, which gives no usable answer", "address", w.client.where,
		"since", w.since.UTC().Format(time.RFC3339), "until", time.Now().Add(left).UTC().Format(time.RFC3339), "error",
		w.cause.Error(), "next", nextStart)
}
