package watch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/txflow/txflow/stream/pipeline"
)

// ML is what the client of the ML API knows of itself now.
type ML struct {
	Breaker  string // closed, open or half-open
	InFlight int    // calls
}

// Metrics count what a member does; they implement pipeline.Observer.
type Metrics struct {
	Registry *prometheus.Registry
	Register prometheus.Registerer // adds the label of the pipeline
	result   string                // the outcome of a message that has a result
	health   *Health

	messages, deadLetters      *prometheus.CounterVec
	givenUp, deleted           prometheus.Counter
	underWay                   prometheus.Gauge
	sizes, asked, took, delays prometheus.Histogram
	calls                      *prometheus.CounterVec
	callTime                   *prometheus.HistogramVec
	callRows                   prometheus.Histogram
}

var secondBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600}

// NewMetrics makes a registry with all of them, for a pipeline; result is how it calls a message that has become a
// result. ml is asked at each scrape, unless it is nil.
func NewMetrics(pipeline, result string, health *Health, ml func() ML) *Metrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	registry := prometheus.NewRegistry()
	m := &Metrics{Registry: registry, Register: prometheus.WrapRegistererWith(prometheus.Labels{"pipeline": pipeline},
		registry),
		result: result, health: health,
		messages: counter("txflow_stream_messages_total",
			"Messages that are done, by outcome: classified or refined, duplicate, or dead_letter.", "outcome"),
		deadLetters: counter("txflow_stream_dead_letters_total", "Dead letters, by reason.", "reason"),
		givenUp: prometheus.NewCounter(prometheus.CounterOpts{Name: "txflow_stream_messages_given_up_total",
			Help: "Messages of transactions that were given up; they come again."}),
		deleted: prometheus.NewCounter(prometheus.CounterOpts{Name: "txflow_stream_offsets_deleted_total",
			Help: "Offsets that retention deleted before they were read: lost messages, unless they were markers."}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "txflow_stream_messages_under_way",
			Help: "Messages of the transactions that are worked on: one that is written, and one that is asked for."}),
		sizes: histogram("txflow_stream_transaction_messages", "Messages a transaction.",
			[]float64{1, 10, 50, 100, 500, 1000, 2500, 5000, 10000}),
		asked: histogram("txflow_stream_transaction_ml_seconds", "Time until the ML API had answered for a transaction.",
			secondBuckets),
		took: histogram("txflow_stream_transaction_seconds",
			"Time from the poll of a transaction's messages until it was committed.", secondBuckets),
		delays: histogram("txflow_stream_delay_seconds",
			"Time of each message from when it was produced until its result was committed.", secondBuckets),
		calls: counter("txflow_stream_ml_calls_total",
			"Calls of the ML API, by outcome, and by error: an HTTP status, timeout, bad_answer, or fault for a connection "+
				"that failed.", "outcome", "error"),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "txflow_stream_ml_call_seconds",
			Help: "Time of a call of the ML API, by outcome.", Buckets: secondBuckets}, []string{"outcome"}),
		callRows: histogram("txflow_stream_ml_call_rows", "Transactions a call of the ML API.",
			[]float64{1, 10, 50, 100, 250, 500, 1000, 2500, 5000}),
	}
	m.Register.MustRegister(health, m.messages, m.deadLetters, m.givenUp, m.deleted, m.underWay, m.sizes, m.took, m.delays)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if ml != nil {
		m.Register.MustRegister(m.asked, m.calls, m.callTime, m.callRows, &breaker{ml}, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "txflow_stream_ml_in_flight", Help: "Calls of the ML API now."},
			func() float64 { return float64(ml().InFlight) }))
	}
	return m
}

// Begin implements pipeline.Observer.
func (m *Metrics) Begin(messages int) {
	m.health.begin()
	m.underWay.Add(float64(messages))
}

// End implements pipeline.Observer.
func (m *Metrics) End(t pipeline.Stats) {
	m.health.end(!t.Aborted)
	m.underWay.Sub(float64(t.Messages))
	if t.Aborted {
		m.givenUp.Add(float64(t.Messages))
		return
	}
	m.deleted.Add(float64(t.Deleted))
	deadLetters := 0
	for code, n := range t.DeadLetters {
		deadLetters += n
		m.deadLetters.WithLabelValues(string(code)).Add(float64(n))
	}
	m.messages.WithLabelValues("dead_letter").Add(float64(deadLetters))
	m.messages.WithLabelValues(m.result).Add(float64(t.Messages - t.Skipped - deadLetters))
	if t.Skipped > 0 {
		m.messages.WithLabelValues("duplicate").Add(float64(t.Skipped))
	}
	m.sizes.Observe(float64(t.Messages))
	m.asked.Observe(t.Handled.Seconds())
	m.took.Observe(t.Took.Seconds())
	for _, d := range t.Delays {
		m.delays.Observe(d.Seconds())
	}
}

// Call counts a call of the ML API; fault is "" for one that was answered.
func (m *Metrics) Call(outcome, fault string, rows int, took time.Duration) {
	m.calls.WithLabelValues(outcome, fault).Inc()
	m.callTime.WithLabelValues(outcome).Observe(took.Seconds())
	m.callRows.Observe(float64(rows))
}

// breaker exports the state of the circuit breaker: 1 for the one that it is in.
type breaker struct{ ml func() ML }

var breakerDesc = prometheus.NewDesc("txflow_stream_ml_breaker",
	"1 for the state that the ML API's circuit breaker is in.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (b *breaker) Describe(out chan<- *prometheus.Desc) { out <- breakerDesc }

// Collect implements prometheus.Collector.
func (b *breaker) Collect(out chan<- prometheus.Metric) {
	now := b.ml().Breaker
	for _, state := range []string{"closed", "half-open", "open"} {
		value := 0.
		if state == now {
			value = 1
		}
		out <- prometheus.MustNewConstMetric(breakerDesc, prometheus.GaugeValue, value, state)
	}
}
