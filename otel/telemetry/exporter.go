package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporter decorates another one: a failure is one warning line, not one a batch, and kill ends an export that hangs.
type exporter struct {
	to     sdktrace.SpanExporter
	log    *slog.Logger
	ctx    context.Context
	kill   context.CancelFunc
	flight sync.Mutex // held while a batch is on its way; the SDK sends one at a time
	ended  counter
	sent   atomic.Int64
	failed atomic.Bool // the last batch did not reach the collector
}

func newExporter(to sdktrace.SpanExporter, log *slog.Logger) *exporter {
	e := &exporter{to: to, log: log}
	e.ctx, e.kill = context.WithCancel(context.Background()) // it lives until Shutdown
	return e
}

// ExportSpans sends a batch. It returns nil although the batch is lost: the loss is logged here.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.flight.Lock()
	defer e.flight.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	err := e.to.ExportSpans(ctx, spans)
	switch {
	case err == nil:
		e.sent.Add(int64(len(spans)))
		if e.failed.CompareAndSwap(true, false) {
			e.log.Info("traces reach the collector again")
		}
	case e.ctx.Err() != nil: // Shutdown ends it, and counts
	case e.failed.CompareAndSwap(false, true):
		e.log.Warn("traces do not reach the collector and are dropped until they do; nothing else is affected", "error", err)
	}
	return nil
}

// Shutdown ends the inner exporter.
func (e *exporter) Shutdown(ctx context.Context) error { return e.to.Shutdown(ctx) }

// wait for the batch on its way, which kill has ended.
func (e *exporter) wait() {
	e.flight.Lock()
	defer e.flight.Unlock()
}

// report says once what was lost.
func (e *exporter) report(err error) {
	lost := e.ended.n.Load() - e.sent.Load()
	switch {
	case lost > 0:
		e.log.Warn("spans were not exported", "lost", lost, "of", e.ended.n.Load())
	case err != nil:
		e.log.Warn("telemetry did not end in time", "error", err)
	}
}

// counter counts the spans to be exported, so that what the queue had to drop is known as well.
type counter struct{ n atomic.Int64 }

// OnStart does nothing.
func (c *counter) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd counts a sampled span.
func (c *counter) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		c.n.Add(1)
	}
}

// Shutdown does nothing.
func (c *counter) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (c *counter) ForceFlush(context.Context) error { return nil }
