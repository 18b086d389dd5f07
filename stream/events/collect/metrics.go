package collect

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// metrics are the server's own; nothing is registered globally.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	events   *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	copies   *prometheus.CounterVec
	bytes    prometheus.Counter
	seconds  prometheus.Histogram
	ack      prometheus.Histogram
	inFlight prometheus.Gauge
}

func newMetrics(s *Server) *metrics {
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "txflow_collect_requests_total",
			Help: "Requests of senders, by route and HTTP status of the answer."}, []string{"route", "status"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "txflow_collect_events_total",
			Help: "Events by what became of them: accepted, rejected, or unwritten (to be sent again)."},
			[]string{"outcome"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "txflow_collect_token_requests_total",
			Help: "Requests by token: its name, and the first digits of its SHA-256."}, []string{"token",
			"fingerprint"}),
		copies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "txflow_collect_copies_total",
			Help: "Copies of dead letters for the object store, by outcome: stored or failed."},
			[]string{"outcome"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "txflow_collect_bytes_total", Help: "Bytes of bodies that were read, unpacked."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "txflow_collect_request_duration_seconds",
			Help: "Time from the head of a package until its answer is ready.", Buckets: buckets}),
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "txflow_collect_ack_duration_seconds",
			Help: "Time until the broker has acknowledged all of a package.", Buckets: buckets}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "txflow_collect_in_flight", Help: "Requests being answered now."}),
	}
	m.registry.MustRegister(m.requests, m.events, m.tokens, m.copies, m.bytes, m.seconds, m.ack, m.inFlight,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "txflow_collect_in_flight_bytes", Help: "Bytes of bodies that are held now."},
			func() float64 { return float64(s.held.Used()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "txflow_collect_idempotency_keys", Help: "Idempotency keys that are remembered."}, func() float64 {
			n,
				_ := s.keys.counts()
			return float64(n)
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "txflow_collect_idempotency_keys_dropped_total",
			Help: "Idempotency keys that were forgotten before their time, since there are too many."},
			func() float64 { _, n := s.keys.counts(); return float64(n) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"accepted", "rejected", "unwritten"} {
		m.events.WithLabelValues(outcome)
	}
	return m
}

// count notes an answer, before it is sent: whoever has it finds it in the metrics.
func (m *metrics) count(c *call) {
	m.requests.WithLabelValues(c.route, strconv.Itoa(c.status)).Inc()
	m.events.WithLabelValues("accepted").Add(float64(c.accepted))
	m.events.WithLabelValues("rejected").Add(float64(c.rejected))
	m.events.WithLabelValues("unwritten").Add(float64(c.unwritten))
	m.bytes.Add(float64(c.bytes))
	if c.sender != nil {
		m.tokens.WithLabelValues(c.sender.name, c.sender.fingerprint).Inc()
	}
	if c.method == http.MethodPost {
		m.seconds.Observe(c.took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// endSpan notes the answer in the request's span, which its owner ends.
func endSpan(c *call) {
	if !c.span.IsRecording() {
		return
	}
	c.span.SetAttributes(attribute.String("http.route", c.route), attribute.Int("http.response.status_code", c.status),
		attribute.String("txflow.request", c.request), attribute.Int("txflow.accepted", c.accepted),
		attribute.Int("txflow.rejected", c.rejected))
	if c.status >= http.StatusInternalServerError {
		c.span.SetStatus(codes.Error, c.code)
	}
}
