package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/txflow/txflow/stream/status"
)

// Seen is a group of ClickHouse's and the table that reads for it, as they were found at one time.
type Seen struct {
	Look   status.Look
	Reader status.Reader
}

// Readers follows the tables of ClickHouse that read from Kafka; it is a collector of what it saw last.
type Readers struct {
	limit time.Duration
	look  func(context.Context) ([]Seen, error)

	mu       sync.Mutex
	heard    time.Time // when Kafka and ClickHouse last answered
	trouble  error     // why they did not
	seen     []Seen
	verdicts []status.Verdict // of each that was seen; nil before the second look
}

// NewReaders follows what look finds. A table is stalled when messages wait for longer than limit and it commits
// nothing.
func NewReaders(limit time.Duration, look func(context.Context) ([]Seen, error)) *Readers {
	return &Readers{limit: limit, look: look, heard: time.Now()}
}

// lookTime bounds a look.
const lookTime = 20 * time.Second

// Run looks until the context ends, or act gives an error, which it returns. It calls act after each look but the
// first.
func (r *Readers) Run(ctx context.Context, act func(context.Context, Seen, status.Verdict) error) error {
	tick := time.NewTicker(min(r.limit/4+time.Millisecond, 5*time.Second))
	defer tick.Stop()
	for {
		seen, verdicts := r.step(ctx)
		for i := range verdicts {
			if err := act(ctx, seen[i], verdicts[i]); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Readers) step(ctx context.Context) ([]Seen, []status.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	seen, err := r.look(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.seen
	if r.trouble = err; err != nil {
		r.seen, r.verdicts = nil, nil
		return nil, nil
	}
	r.heard, r.seen, r.verdicts = time.Now(), seen, nil
	if len(before) != len(seen) {
		return nil, nil
	}
	for i := range seen {
		r.verdicts = append(r.verdicts, status.Judge(before[i].Look, seen[i].Look, &seen[i].Reader, r.limit))
	}
	return seen, r.verdicts
}

// Ready is an error that says which table does not progress while messages wait, or that it can not be found out.
func (r *Readers) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := time.Since(r.heard); r.trouble != nil && age > r.limit {
		return fmt.Errorf("for %s it is unknown whether ClickHouse reads Kafka: %w", age.Round(time.Second), r.trouble)
	}
	var stalled []error
	for _, v := range r.verdicts {
		if v.Cause != status.Progresses {
			stalled = append(stalled, errors.New(v.Text))
		}
	}
	return errors.Join(stalled...)
}

var (
	readersUpDesc = prometheus.NewDesc("txflow_clickhouse_reader_up",
		"1 when ClickHouse and Kafka answered the last time they were polled.", nil, nil)
	stalledDesc = prometheus.NewDesc("txflow_clickhouse_reader_stalled",
		"1 when the Kafka table does not progress while messages wait: alert on it. Absent while it is unknown.",
		[]string{"table", "topic"}, nil)
	readerLagDesc = prometheus.NewDesc("txflow_clickhouse_reader_lag", "Messages that the Kafka table has not committed.",
		[]string{"table", "topic"}, nil)
	polledDesc = prometheus.NewDesc("txflow_clickhouse_reader_poll_age_seconds",
		"Time since the Kafka table asked for messages; -1 for never.", []string{"table", "topic"}, nil)
)

// Describe implements prometheus.Collector.
func (r *Readers) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readersUpDesc, stalledDesc, readerLagDesc, polledDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (r *Readers) Collect(out chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if r.trouble != nil || r.seen == nil {
		gauge(readersUpDesc, 0)
		return
	}
	gauge(readersUpDesc, 1)
	for i := range r.seen {
		s := &r.seen[i]
		labels := []string{s.Reader.Table, s.Look.Topic}
		gauge(readerLagDesc, float64(status.Of(s.Look, s.Look).Lag), labels...)
		if !s.Reader.Missing {
			polled := -1.
			if s.Reader.Polled >= 0 {
				polled = s.Reader.Polled.Seconds()
			}
			gauge(polledDesc, polled, labels...)
		}
		if i < len(r.verdicts) {
			value := 0.
			if r.verdicts[i].Cause != status.Progresses {
				value = 1
			}
			gauge(stalledDesc, value, labels...)
		}
	}
}
