package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the server's own; nothing is registered globally.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	rows     prometheus.Counter
	seconds  prometheus.Histogram
	inFlight prometheus.Gauge
}

func newMetrics(model string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "txflow_ml_requests_total", Help: "Requests to /predict, by HTTP status of the answer."}, []string{"status"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "txflow_ml_rows_total", Help: "Transactions classified."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "txflow_ml_request_duration_seconds",
			Help:    "Time from the head of a request to /predict until its answer is ready.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "txflow_ml_in_flight", Help: "Requests to /predict being answered now."}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "txflow_ml_model_info", Help: "The model that answers.",
		ConstLabels: prometheus.Labels{"model_version": model}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.rows, m.seconds, m.inFlight, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) count(r *response, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(r.status)).Inc()
	if r.status == http.StatusOK {
		m.rows.Add(float64(r.rows))
	}
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
