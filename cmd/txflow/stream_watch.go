package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/classify"
	"github.com/txflow/txflow/stream/kafka"
)

// streamWatch tells how a member of the group is doing: to people, to Prometheus, and to who asks whether it is ready.
type streamWatch struct {
	show       *ticker
	stuck      time.Duration
	since      atomic.Int64 // when the transaction under way began, in nanoseconds since 1970; 0 for none
	messages   atomic.Int64
	deadLetter atomic.Int64
	log        *kafka.Log

	registry *prometheus.Registry
	outcomes *prometheus.CounterVec
	givenUp  prometheus.Counter
	sizes    prometheus.Histogram
	asked    prometheus.Histogram
	took     prometheus.Histogram
	delay    prometheus.Histogram
	lag      *prometheus.GaugeVec
}

func newStreamWatch(rt *app.Runtime, api *client.Client, log *kafka.Log, stuck time.Duration) *streamWatch {
	seconds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	w := &streamWatch{show: newTicker(rt, "done"), stuck: stuck, log: log, registry: prometheus.NewRegistry(),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "txflow_stream_messages_total",
			Help: "Messages that are done, by outcome: classified, or the reason of the dead letter."}, []string{"outcome"}),
		givenUp: prometheus.NewCounter(prometheus.CounterOpts{Name: "txflow_stream_messages_given_up_total", Help: "Messages of transactions that were given up; they come again."}),
		sizes:   histogram("txflow_stream_transaction_messages", "Messages a transaction.", []float64{1, 10, 50, 100, 500, 1000, 2500, 5000, 10000}),
		asked:   histogram("txflow_stream_ml_seconds", "Time until the ML API had answered for a transaction.", seconds),
		took:    histogram("txflow_stream_transaction_seconds", "Time from the poll of a transaction's messages until it was committed.", seconds),
		delay:   histogram("txflow_stream_delay_seconds", "Age of a transaction's oldest message when it was committed.", seconds),
		lag:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "txflow_stream_lag", Help: "Messages that wait, by partition."}, []string{"partition"}),
	}
	gauge := func(name, help string, value func(client.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(api.Stats()) })
	}
	w.registry.MustRegister(w.outcomes, w.givenUp, w.sizes, w.asked, w.took, w.delay, w.lag,
		gauge("txflow_stream_ml_breaker_open", "1 while the ML API's circuit breaker is not closed.", func(s client.Stats) float64 {
			if s.Breaker == "closed" {
				return 0
			}
			return 1
		}),
		gauge("txflow_stream_ml_in_flight", "Calls of the ML API now.", func(s client.Stats) float64 { return float64(s.InFlight) }),
		gauge("txflow_stream_ml_faults", "Calls of the ML API that failed since the start.", func(s client.Stats) float64 { return float64(s.Faults) }),
		gauge("txflow_stream_ml_throttled", "Calls of the ML API that were answered 429 since the start.", func(s client.Stats) float64 { return float64(s.Throttled) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return w
}

// Begin implements classify.Observer.
func (w *streamWatch) Begin(int) { w.since.Store(time.Now().UnixNano()) }

// End implements classify.Observer.
func (w *streamWatch) End(t classify.Transaction) {
	w.since.Store(0)
	if t.GivenUp {
		w.givenUp.Add(float64(t.Messages))
		return
	}
	letters := 0
	for code, n := range t.Letters {
		letters += n
		w.outcomes.WithLabelValues(string(code)).Add(float64(n))
	}
	w.outcomes.WithLabelValues("classified").Add(float64(t.Messages - letters))
	w.sizes.Observe(float64(t.Messages))
	w.asked.Observe(t.Asked.Seconds())
	w.took.Observe(t.Took.Seconds())
	w.delay.Observe(t.Delay.Seconds())
	for partition, n := range w.log.Lag() {
		w.lag.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(n))
	}
	w.deadLetter.Add(int64(letters))
	w.show.tick(w.messages.Add(int64(t.Messages)))
}

// sum tells what was done in all.
func (w *streamWatch) sum(out io.Writer) {
	all, letters := w.messages.Load(), w.deadLetter.Load()
	_, _ = fmt.Fprintf(out, "%s messages: %s classified, %s dead letters\n", progress.Thousands(all), progress.Thousands(all-letters), progress.Thousands(letters))
}

// ready is an error while messages are under way for too long.
func (w *streamWatch) ready() error {
	since := w.since.Load()
	if age := time.Since(time.Unix(0, since)); since != 0 && age > w.stuck {
		return fmt.Errorf("messages are under way for %s", age.Round(time.Second))
	}
	return nil
}

// serve answers at an address until stop is called; an empty one serves nothing.
func (w *streamWatch) serve(ctx context.Context, addr string) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, batch.WithHint(batch.Fail(batch.ExitUnavailable, err), "name another --watch-addr")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok\n") })
	mux.HandleFunc("/readyz", func(rw http.ResponseWriter, _ *http.Request) {
		if err := w.ready(); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(rw, "ok\n")
	})
	mux.Handle("/metrics", promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			_, _ = fmt.Fprintln(w.show.out, "error: the watch address is gone:", err)
		}
	}()
	return func() { _ = server.Close() }, nil // nobody waits for its last answer
}
