package ui

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/txflow/txflow/internal/fault"
)

// process are the metrics of the program itself.
func process() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// metrics answers Prometheus with what ClickHouse says of runs now. Where it does not answer, neither does the scrape,
// which Prometheus then reports: old figures would say that all is well.
func (u *UI) metrics() http.Handler {
	own := process()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		found, err := rows[struct {
			State string `ch:"state"`
			Runs  uint64 `ch:"runs"`
		}](ctx, u.cfg.DB, "runs_by_status", values{"days": "1"})
		if err != nil {
			u.cfg.Log.WarnContext(ctx, "metrics are not available", "error", err.Error(), "next", fault.Hint(err))
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		runs := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "txflow_runs",
			Help: "Runs that started in the last 24 hours, by status: running, done, failed, interrupted."}, []string{"status"})
		for _, state := range runStates {
			runs.WithLabelValues(state).Set(0)
		}
		for _, f := range found {
			runs.WithLabelValues(f.State).Set(float64(f.Runs))
		}
		stored := prometheus.NewRegistry()
		stored.MustRegister(runs)
		promhttp.HandlerFor(prometheus.Gatherers{own, stored}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}
