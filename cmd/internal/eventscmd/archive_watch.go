package eventscmd

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/txflow/txflow/stream/events/archive"
)

// archived is what the metrics say of the copy. It implements prometheus.Collector.
type archived struct {
	mu      sync.Mutex
	objects int
	waiting int64
	deleted int64
	at      time.Time // when a run last ended well
	err     error
}

func (a *archived) ended(done archive.Done, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects += done.Objects
	a.deleted += done.Deleted
	if a.err = err; err == nil {
		a.waiting, a.at = done.Waiting, time.Now()
	}
}

func (a *archived) ready() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil && a.at.IsZero() {
		return errors.New("the first look has not ended")
	}
	return a.err
}

var (
	archiveObjectsDesc = prometheus.NewDesc("txflow_events_archive_objects_total",
		"Objects that this process made of events.silver.", nil, nil)
	archiveWaitingDesc = prometheus.NewDesc("txflow_events_archive_waiting",
		"Offsets of events.silver that wait for their range to be full, after the last look.", nil, nil)
	archiveDeletedDesc = prometheus.NewDesc("txflow_events_archive_deleted_total",
		"Offsets that retention deleted before they were copied: alert on it.", nil, nil)
	archiveAtDesc = prometheus.NewDesc("txflow_events_archive_timestamp_seconds",
		"When a look last copied all that is complete; 0 before the first time. Alert when it is old.", nil, nil)
)

// Describe implements prometheus.Collector.
func (a *archived) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{archiveObjectsDesc, archiveWaitingDesc, archiveDeletedDesc, archiveAtDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (a *archived) Collect(out chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := 0.0
	if !a.at.IsZero() {
		at = float64(a.at.UnixMicro()) / 1e6
	}
	out <- prometheus.MustNewConstMetric(archiveObjectsDesc, prometheus.CounterValue, float64(a.objects))
	out <- prometheus.MustNewConstMetric(archiveWaitingDesc, prometheus.GaugeValue, float64(a.waiting))
	out <- prometheus.MustNewConstMetric(archiveDeletedDesc, prometheus.CounterValue, float64(a.deleted))
	out <- prometheus.MustNewConstMetric(archiveAtDesc, prometheus.GaugeValue, at)
}
