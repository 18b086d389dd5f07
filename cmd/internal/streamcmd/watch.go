package streamcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/stream/watch"
)

// streamWatch reports how a member of the group is doing: to people, to Prometheus, and to readiness probes. It
// implements pipeline.Observer.
type streamWatch struct {
	*watch.Metrics
	health *watch.Health
	api    *client.Client // nil for a pipeline that asks none
	out    io.Writer
	show   *progress.Ticker
	result string // what becomes of a message that is no dead letter

	done, dead, skipped atomic.Int64 // messages, and those of them that are dead letters, and duplicates
}

// newStreamWatch is for a pipeline that asks the ML API, by api.
func newStreamWatch(rt *app.Runtime, stuck time.Duration) *streamWatch {
	w := &streamWatch{health: watch.NewHealth(stuck), out: rt.Stderr, show: progress.NewTicker(rt.Stderr, rt.Interactive,
		"done"), result: "classified"}
	w.Metrics = watch.NewMetrics(transactions.Name, w.result, w.health, func() watch.ML {
		s := w.api.Stats()
		return watch.ML{Breaker: s.Breaker, InFlight: s.InFlight}
	})
	return w
}

// newRefineWatch is for the pipeline of events.
func newRefineWatch(rt *app.Runtime, stuck time.Duration) *streamWatch {
	w := &streamWatch{health: watch.NewHealth(stuck), out: rt.Stderr, show: progress.NewTicker(rt.Stderr, rt.Interactive,
		"done"), result: "refined"}
	w.Metrics = watch.NewMetrics(events.Name, w.result, w.health, nil)
	return w
}

// call is called after every call of the ML API.
func (w *streamWatch) call(c client.Call) { w.Call(c.Outcome, c.Error, c.Rows, c.Took) }

// End implements pipeline.Observer.
func (w *streamWatch) End(t pipeline.Stats) {
	w.Metrics.End(t)
	if t.Aborted {
		return
	}
	for _, n := range t.DeadLetters {
		w.dead.Add(int64(n))
	}
	w.skipped.Add(int64(t.Skipped))
	w.show.Tick(w.done.Add(int64(t.Messages)))
}

// sum logs the totals.
func (w *streamWatch) sum(out io.Writer) {
	all, deadLetters, skipped := w.done.Load(), w.dead.Load(), w.skipped.Load()
	text := fmt.Sprintf("%s: %s %s, %s", display.Count(all, "message"),
		display.Thousands(all-deadLetters-skipped), w.result,
		display.Count(deadLetters, "dead letter"))
	if skipped > 0 {
		text += ", " + display.Count(skipped, "duplicate")
	}
	_, _ = fmt.Fprintln(out, text)
}

// follow asks Kafka about the member until stop is called, which returns when nothing uses the log any longer.
func (w *streamWatch) follow(ctx context.Context, log watch.Log) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is under way at the end is followed, too
	ended := make(chan struct{})
	go func() {
		w.health.Run(ctx, log)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// serve answers at an address until stop is called; an empty one serves nothing.
func (w *streamWatch) serve(ctx context.Context, addr string) (stop func(), err error) {
	return ServeWatch(ctx, addr, w.ready, w.Registry, w.out)
}

// ready is an error that says why the member does not do its work.
func (w *streamWatch) ready() error {
	if w.api != nil {
		if why := w.api.Blocked(); why != "" {
			return errors.New(why)
		}
	}
	return w.health.Ready()
}

// ServeWatch serves /healthz, /readyz and /metrics at an address until stop is called; an empty one serves nothing.
func ServeWatch(ctx context.Context, addr string, ready func() error, metrics prometheus.Gatherer,
	out io.Writer) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.WithHint(fault.Fail(fault.ExitUnavailable, err), "name another --watch-addr")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok\n") })
	mux.HandleFunc("/readyz", func(rw http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(rw, "ok\n")
	})
	mux.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			_, _ = fmt.Fprintln(out, "error: the watch address is gone:", err)
		}
	}()
	return func() { _ = server.Close() }, nil // nobody waits for its last answer
}
