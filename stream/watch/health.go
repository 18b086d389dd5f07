// Package watch says how a member of the group is doing: whether it is ready, and in figures for Prometheus.
package watch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Log is the member's place in its group. It is asked while another goroutine works with it.
type Log interface {
	// Joined tells whether the member has joined its group.
	Joined() bool
	// Lag asks the broker how many messages of each partition that the member has are not committed.
	Lag(ctx context.Context) (map[int32]int64, error)
}

// Health asks the broker now and then and judges by what it hears; it is a collector of what it heard last.
type Health struct {
	stuck time.Duration

	mu       sync.Mutex
	log      Log             // nil while Run does not run
	heard    time.Time       // when the broker last answered
	lag      map[int32]int64 // then; nil when it did not answer the last time
	began    []time.Time     // of the transactions under way, the oldest first
	progress time.Time       // when messages were last committed, or none waited
}

// NewHealth makes a judge that calls a member stuck after so long. Until Run the member has not joined its group.
func NewHealth(stuck time.Duration) *Health {
	now := time.Now()
	return &Health{stuck: stuck, heard: now, progress: now}
}

// Run asks until the context ends. Behind it the log is no longer used.
func (h *Health) Run(ctx context.Context, log Log) {
	h.follow(log)
	defer h.follow(nil)
	tick := time.NewTicker(min(h.stuck/4+time.Millisecond, 2*time.Second))
	defer tick.Stop()
	for {
		h.ask(ctx, log)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *Health) follow(log Log) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log, h.heard, h.progress = log, time.Now(), time.Now()
}

// askTime bounds a question; a broker that takes longer is as good as away.
const askTime = 5 * time.Second

func (h *Health) ask(ctx context.Context, log Log) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	lag, err := log.Lag(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lag = nil; err != nil {
		return
	}
	h.heard, h.lag = time.Now(), lag
	if h.waiting() == 0 {
		h.progress = h.heard
	}
}

func (h *Health) waiting() (n int64) {
	for _, lag := range h.lag {
		n += lag
	}
	return n
}

func (h *Health) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began = append(h.began, time.Now())
}

func (h *Health) end(committed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began = h.began[1:]
	if committed {
		h.progress = time.Now()
	}
}

// Ready is an error that says why the member does not do its work: it has not joined its group, or for longer than it
// may messages are under way, Kafka does not answer, or messages wait and none is committed.
func (h *Health) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := time.Now()
	if len(h.began) > 0 {
		oldest = h.began[0]
	}
	for _, c := range []struct {
		holds bool
		since time.Time
		what  string
	}{
		{true, oldest, "messages are under way"},
		{true, h.heard, "Kafka does not answer"},
		{h.waiting() > 0, h.progress, "messages wait and none is committed"},
	} {
		if age := time.Since(c.since); c.holds && age > h.stuck {
			return fmt.Errorf("%s for %s", c.what, age.Round(time.Millisecond))
		}
	}
	if h.log == nil || !h.log.Joined() {
		return errors.New("it has not joined its group")
	}
	return nil
}

var (
	lagDesc = prometheus.NewDesc("txflow_stream_lag", "Messages that are not committed, by partition that the member has; absent while Kafka does not answer.", []string{"partition"}, nil)
	upDesc  = prometheus.NewDesc("txflow_stream_kafka_up", "1 when Kafka answered the last time.", nil, nil)
)

// Describe implements prometheus.Collector.
func (h *Health) Describe(out chan<- *prometheus.Desc) { out <- lagDesc; out <- upDesc }

// Collect implements prometheus.Collector. Partitions that were taken away are not told.
func (h *Health) Collect(out chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	up := 0.
	if h.lag != nil {
		up = 1
	}
	out <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up)
	for partition, n := range h.lag {
		out <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(n), strconv.Itoa(int(partition)))
	}
}
