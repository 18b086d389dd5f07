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

	"github.com/txflow/txflow/stream/topics"
)

// Log is the member's place in its group. It is asked while another goroutine works with it.
type Log interface {
	// Joined reports whether the member has joined its group.
	Joined() bool
	// Lag asks the broker how many messages of each partition that the member has are not committed.
	// The error is topics.ErrMissing when the topic does not exist.
	Lag(ctx context.Context) (map[int32]int64, error)
	// Aborts returns how many transactions were aborted, how long the next one is still waited with, and why the last one
	// was; nil when one was committed since.
	Aborts() (total int64, wait time.Duration, cause error)
}

// Health asks the broker now and then and judges by what it hears; it is a collector of what it heard last.
type Health struct {
	stuck time.Duration

	mu       sync.Mutex
	log      Log             // nil while Run does not run
	heard    time.Time       // when the broker last answered
	lag      map[int32]int64 // then; nil when it did not answer the last time
	trouble  error           // why it did not
	began    []time.Time     // of the transactions under way, the oldest first
	progress time.Time       // when messages were last committed, or none waited
}

// NewHealth makes a judge that calls a member stuck after so long. Until Run the member has not joined its group.
func NewHealth(stuck time.Duration) *Health {
	now := time.Now()
	return &Health{stuck: stuck, heard: now, progress: now}
}

// Run asks until the context ends. Afterwards the log is no longer used.
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

// askTime bounds a question; a broker that takes longer counts as unavailable.
const askTime = 5 * time.Second

func (h *Health) ask(ctx context.Context, log Log) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	lag, err := log.Lag(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lag, h.trouble = nil, err
	if errors.Is(err, topics.ErrMissing) {
		h.heard = time.Now()
	}
	if err != nil {
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
	if errors.Is(h.trouble, topics.ErrMissing) {
		return h.trouble
	}
	var aborted error
	if h.log != nil {
		_, _, aborted = h.log.Aborts()
	}
	oldest := time.Now()
	if len(h.began) > 0 {
		oldest = h.began[0]
	}
	for _, c := range []struct {
		holds bool
		since time.Time
		what  string
		why   error
	}{
		{true, oldest, "messages are under way", nil},
		{true, h.heard, "Kafka does not answer", h.trouble},
		{h.waiting() > 0, h.progress, "messages wait and none is committed", aborted},
	} {
		if age := time.Since(c.since); c.holds && age > h.stuck {
			err := fmt.Errorf("%s for %s", c.what, age.Round(time.Millisecond))
			if c.why != nil {
				err = fmt.Errorf("%w: %w", err, c.why)
			}
			return err
		}
	}
	if h.log == nil || !h.log.Joined() {
		return errors.New("it has not joined its group")
	}
	return nil
}

var (
	lagDesc = prometheus.NewDesc("txflow_stream_lag",
		"Messages that are not committed, by partition that the member has; absent while Kafka does not answer.",
		[]string{"partition"}, nil)
	upDesc     = prometheus.NewDesc("txflow_stream_kafka_up", "1 when Kafka answered the last time.", nil, nil)
	abortsDesc = prometheus.NewDesc("txflow_stream_transactions_aborted_total",
		"Transactions that were aborted; their messages come again.", nil, nil)
	backoffDesc = prometheus.NewDesc("txflow_stream_backoff_seconds",
		"How long the member still waits after aborted transactions; 0 when it does not.", nil, nil)
)

// Describe implements prometheus.Collector.
func (h *Health) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, upDesc, abortsDesc, backoffDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Partitions that were revoked are not reported.
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
	if h.log != nil {
		total, wait, _ := h.log.Aborts()
		out <- prometheus.MustNewConstMetric(abortsDesc, prometheus.CounterValue, float64(total))
		out <- prometheus.MustNewConstMetric(backoffDesc, prometheus.GaugeValue, wait.Seconds())
	}
}
