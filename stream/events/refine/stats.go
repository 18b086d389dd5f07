package refine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// stats are read by other goroutines than the one that handles.
type stats struct {
	ids, bytes, window atomic.Int64
	dropped            atomic.Int64 // ids, within the window
	restored           atomic.Int64
	erased             atomic.Int64
	rules              atomic.Pointer[string]
}

// look notes the state of the windows.
func (h *Handler) look() {
	s := h.windows.State()
	h.stats.ids.Store(int64(s.IDs))
	h.stats.bytes.Store(s.Bytes)
	h.stats.window.Store(int64(s.Shortest))
}

// shortened is called when the bound shortens the window.
func (h *Handler) shortened(partition int32, upTo time.Time, ids int) {
	h.stats.dropped.Add(int64(ids))
	h.cfg.Log.WarnContext(context.Background(),
		"the bound of ids shortens the window: older duplicates are not found here",
		"partition", partition, "older_than", upTo.UTC(), "ids", ids, "bound", h.cfg.MaxIDs,
		"hint", "raise --dedup-ids; a million ids take about 45 MB")
}

var (
	idsDesc    = prometheus.NewDesc("txflow_stream_dedup_ids", "Ids of events in the windows of the member.", nil, nil)
	bytesDesc  = prometheus.NewDesc("txflow_stream_dedup_bytes", "Memory of these windows.", nil, nil)
	windowDesc = prometheus.NewDesc("txflow_stream_dedup_window_seconds",
		"How far back duplicates are found for sure in every partition: the window, unless the bound shortens it.", nil, nil)
	droppedDesc = prometheus.NewDesc("txflow_stream_dedup_dropped_ids_total",
		"Ids that were dropped within the window for the bound: the window was shortened.", nil, nil)
	restoreDesc = prometheus.NewDesc("txflow_stream_dedup_restore_seconds", "How long the last restoring of windows took.",
		nil, nil)
	rulesDesc = prometheus.NewDesc("txflow_stream_rules_info", "1 for the version of the rules that holds.",
		[]string{"version"}, nil)
	erasedDesc = prometheus.NewDesc("txflow_stream_erased_total",
		"Messages of forgotten persons that were erased; those that came again after an abort count again.", nil, nil)
	refusedDesc = prometheus.NewDesc("txflow_stream_rules_refused_total",
		"Files of rules that were not taken over because of faults.", nil, nil)
)

// Describe implements prometheus.Collector.
func (h *Handler) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{idsDesc, bytesDesc, windowDesc, droppedDesc, restoreDesc, rulesDesc,
		refusedDesc, erasedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (h *Handler) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(idsDesc, float64(h.stats.ids.Load()))
	gauge(bytesDesc, float64(h.stats.bytes.Load()))
	gauge(windowDesc, time.Duration(h.stats.window.Load()).Seconds())
	gauge(restoreDesc, time.Duration(h.stats.restored.Load()).Seconds())
	out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(h.stats.dropped.Load()))
	out <- prometheus.MustNewConstMetric(erasedDesc, prometheus.CounterValue, float64(h.stats.erased.Load()))
	out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(h.cfg.Rules.refused.Load()))
	out <- prometheus.MustNewConstMetric(rulesDesc, prometheus.GaugeValue, 1, *h.stats.rules.Load())
}
