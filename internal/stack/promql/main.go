// Command promql evaluates PromQL with Prometheus' own engine over given series, for the tests of rules and
// panels. It reads JSON cases from stdin, and answers each query of each case with the samples that it gives.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// step is between the samples of a series; the first is at 0, which is 1970.
const step = 5 * time.Second

// question is one case: series as Prometheus' unit tests write them ("up{job=\"a\"} 1x20"), and queries at a time.
type question struct {
	Series  []string
	At      int // seconds
	Queries []string
}

// sample is one of a query's answer.
type sample struct {
	Labels map[string]string
	Value  float64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{Logger: slog.New(slog.DiscardHandler), MaxSamples: 1e6,
		Timeout: time.Minute})
	var all [][][]sample
	for _, q := range asked {
		data, err := read(q.Series)
		if err != nil {
			return err
		}
		var answers [][]sample
		for _, query := range q.Queries {
			answer, err := evaluate(engine, data, query, time.Unix(int64(q.At), 0))
			if err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
			answers = append(answers, answer)
		}
		all = append(all, answers)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func evaluate(engine *promql.Engine, data storage.Queryable, query string, at time.Time) ([]sample, error) {
	q, err := engine.NewInstantQuery(context.Background(), data, nil, query, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	answer := q.Exec(context.Background())
	vector, err := answer.Vector()
	if err != nil {
		return nil, err
	}
	found := []sample{}
	for _, s := range vector {
		found = append(found, sample{s.Metric.Map(), s.F})
	}
	return found, nil
}

// memory is a store of series.
type memory []storage.Series

func read(texts []string) (all memory, err error) {
	p := parser.NewParser(parser.Options{})
	for _, text := range texts {
		names, values, err := p.ParseSeriesDesc(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, point{int64(i) * step.Milliseconds(), v.Value})
			}
		}
		all = append(all, storage.NewListSeries(names, samples))
	}
	slices.SortFunc(all, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return all, nil
}

// point is a sample of a series.
type point struct {
	at    int64
	value float64
}

func (p point) ST() int64                     { return 0 }
func (p point) T() int64                      { return p.at }
func (p point) F() float64                    { return p.value }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

// Querier implements storage.Queryable.
func (m memory) Querier(_, _ int64) (storage.Querier, error) { return querier{all: m}, nil }

type querier struct {
	storage.LabelQuerier
	all memory
}

// Select returns the series that match.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints,
	matchers ...*labels.Matcher) storage.SeriesSet {
	found := &set{at: -1}
	for _, s := range q.all {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
			found.all = append(found.all, s)
		}
	}
	return found
}

func (querier) Close() error { return nil }

// set is what was selected.
type set struct {
	all memory
	at  int
}

func (s *set) Next() bool                        { s.at++; return s.at < len(s.all) }
func (s *set) At() storage.Series                { return s.all[s.at] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }
