// Package produce simulates live traffic: the rows of a file as raw messages, at a rate or flat out, with bad messages
// and duplicates on request.
package produce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// Sink takes messages. A nil error of Flush means that the broker has all that were sent.
type Sink interface {
	Send(ctx context.Context, r pipeline.Record) error
	Flush(ctx context.Context) error
	// Acknowledged counts the messages that the broker has for sure.
	Acknowledged() int64
}

// Config says how. Shares are of the rows, 0 to 1.
type Config struct {
	Source     string  // that messages name; "" for none
	Rate       float64 // messages a second; 0 for as fast as the broker takes them
	Burst      int     // messages at once, at the same rate in the long run; at least 1
	Bad        float64 // share of rows before which a message that breaks the rules is sent
	Duplicates float64 // share of rows that are sent twice
	Corrected  float64 // share of rows that are sent again a little later, with another description
	Traced     float64 // share of messages that carry a trace, which begins here
	Tracer     trace.Tracer
	Limit      int64         // rows; 0 for all
	Endless    bool          // the rows have no end: to be stopped is no error
	Seed       uint64        // the same one makes the same messages
	Drain      time.Duration // after the context has ended, what was sent gets so long to be acknowledged
}

// MaxBurst bounds Burst: a burst is one reservation of the rate limiter.
const MaxBurst = 1_000_000

// Validate returns all faults of the configuration at once, each with the name of the flag of stream produce.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, flag string, value any, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("--%s is %v: it must be %s", flag, value, want))
		}
	}
	share := func(flag string, v float64) { check(v >= 0 && v <= 1, flag, v, "a share from 0 to 1") }
	if err := transaction.ValidateSource(c.Source); err != nil {
		errs = append(errs, fmt.Errorf("--source: %w", err))
	}
	check(c.Rate >= 0 && c.Rate <= math.MaxInt32, "rate", c.Rate, "messages a second, or 0 for no limit")
	check(c.Burst >= 1 && c.Burst <= MaxBurst, "burst", c.Burst, fmt.Sprintf("from 1 to %d", MaxBurst))
	share("bad", c.Bad)
	share("duplicates", c.Duplicates)
	share("corrections", c.Corrected)
	share("traced", c.Traced)
	check(c.Limit >= 0, "count", c.Limit, "a number of rows, or 0 for all")
	check(c.Drain >= 0, "drain", c.Drain, "a time of 0 or more")
	return errors.Join(errs...)
}

// Stats count what was sent, and what of it the broker has for sure.
type Stats struct{ Messages, Bad, Duplicates, Corrected, Acknowledged int64 }

// correction is what a row that is corrected says at the end of its description.
const correction = " (corrected)"

// correctionLag is how many corrections wait, so that other rows come between a row and its correction.
const correctionLag = 25

type encoded struct {
	keys, values, corrected [][]byte
	lines                   []uint64
}

// Run sends the rows of a reader. Rows of the file that break the rules are sent as they are: the stream sorts them
// out. A message that the broker refuses for good ends it, with the file and line. When the context ends, what was sent
// is waited for, Config.Drain long: the error has exit code 75 when the broker then lacks any of it, or rows were not
// sent.
func Run(ctx context.Context, rows *source.Reader, sink Sink, cfg Config, observe func(Stats)) (Stats, error) {
	// repeatable on purpose
	p := &producer{sink: sink, cfg: cfg, file: rows.URL, observe: observe, random: rand.New(rand.NewPCG(cfg.Seed, 0))}
	if cfg.Rate > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(cfg.Rate), max(cfg.Burst, 1))
	}
	worker := func() func(func(func(*source.Row))) encoded {
		return func(each func(func(*source.Row))) (e encoded) {
			each(func(r *source.Row) {
				e.keys = append(e.keys, append([]byte(nil), transaction.TrimField(r.Fields[transaction.ColID])...))
				e.values = append(e.values, encode(r, cfg.Source))
				e.lines = append(e.lines, r.Line)
				if cfg.Corrected > 0 {
					r.Transaction.Description += correction
					e.corrected = append(e.corrected, encode(r, cfg.Source))
				}
			})
			return e
		}
	}
	err := source.Scan(ctx, rows, 1, worker, func(e encoded) error { return p.block(ctx, e) })
	if err == errEnough { //nolint:errorlint // it is returned as it is
		err = nil
	}
	if err == nil {
		err = p.correct(ctx, 0)
	}
	late, cancel := drain(ctx, cfg.Drain)
	defer cancel()
	flushErr := sink.Flush(late)
	p.stats.Acknowledged = sink.Acknowledged()
	observe(p.stats)
	switch missing := p.stats.Messages - p.stats.Acknowledged; {
	case ctx.Err() == nil && err != nil:
		return p.stats, err
	case ctx.Err() == nil || missing == 0 && (err == nil || cfg.Endless):
		return p.stats, flushErr
	case missing == 0:
		return p.stats, fault.WithHint(fault.Failf(fault.ExitTryAgain, "stopped after %s, before all were sent",
			display.Count(p.rows, "row")), "sending all again is safe, since their ids stay the same")
	default:
		return p.stats, fault.WithHint(fault.Failf(fault.ExitTryAgain, "Kafka has not acknowledged %d of the %d messages "+
			"that were sent",
			missing, p.stats.Messages), "they may be there or not; sending them again is safe, since their ids stay the same")
	}
}

func encode(r *source.Row, name string) []byte {
	if r.Violation.Code == transaction.CodeOK {
		return message.AppendRaw(nil, &r.Transaction, name)
	}
	return message.AppendFields(nil, &r.Fields, name)
}

type enough struct{}

func (enough) Error() string { return "the limit is reached" }

var errEnough error = enough{}

type producer struct {
	sink    Sink
	cfg     Config
	limiter *rate.Limiter // of messages; a burst waits for all its tokens
	random  *rand.Rand
	file    string
	rows    int64
	stats   Stats
	observe func(Stats)
	waiting [][2][]byte // keys and values of corrections
}

func (p *producer) block(ctx context.Context, e encoded) error {
	for i := range e.values {
		if p.cfg.Limit > 0 && p.rows == p.cfg.Limit {
			return errEnough
		}
		p.rows++
		if err := p.row(ctx, e.keys[i], e.values[i]); err != nil {
			if fault.ExitCode(err) == fault.ExitData {
				err = fmt.Errorf("%s, line %d: %w", p.file, e.lines[i], err)
			}
			return err
		}
		if p.cfg.Corrected > 0 && p.random.Float64() < p.cfg.Corrected {
			p.waiting = append(p.waiting, [2][]byte{e.keys[i], e.corrected[i]})
			if err := p.correct(ctx, correctionLag); err != nil {
				return err
			}
		}
	}
	p.observe(p.stats)
	return nil
}

// row sends a row, with the bad message before it and the duplicate after it that chance adds.
func (p *producer) row(ctx context.Context, key, value []byte) error {
	if p.random.Float64() < p.cfg.Bad {
		if err := p.send(ctx, key, spoil(value, p.random.IntN(spoils))); err != nil {
			return err
		}
		p.stats.Bad++
	}
	if err := p.send(ctx, key, value); err != nil {
		return err
	}
	if p.random.Float64() < p.cfg.Duplicates {
		if err := p.send(ctx, key, value); err != nil {
			return err
		}
		p.stats.Duplicates++
	}
	return nil
}

// correct sends corrections, the oldest first, until so many wait.
func (p *producer) correct(ctx context.Context, waiting int) error {
	for len(p.waiting) > waiting {
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		if err := p.send(ctx, next[0], next[1]); err != nil {
			return err
		}
		p.stats.Corrected++
	}
	return nil
}

func (p *producer) send(ctx context.Context, key, value []byte) error {
	if burst := int64(max(p.cfg.Burst, 1)); p.limiter != nil && p.stats.Messages%burst == 0 {
		p.observe(p.stats)
		if err := p.limiter.WaitN(ctx, int(burst)); err != nil {
			return err
		}
	}
	record := pipeline.Record{Topic: topics.Raw, Key: key, Value: value}
	if p.cfg.Traced > 0 && p.random.Float64() < p.cfg.Traced {
		spanCtx, span := p.cfg.Tracer.Start(ctx, "send "+topics.Raw, trace.WithNewRoot(),
			trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
				attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "send"),
				attribute.String("messaging.destination.name", topics.Raw)))
		defer span.End()
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(spanCtx, carrier)
		for name, text := range carrier {
			record.Headers = append(record.Headers, pipeline.Header{Name: name, Value: []byte(text)})
		}
	}
	if err := p.sink.Send(ctx, record); err != nil {
		return err
	}
	p.stats.Messages++
	return nil
}

const spoils = 4

// spoil makes a message that no reader may take for a transaction.
func spoil(value []byte, how int) []byte {
	switch how {
	case 0:
		return value[:len(value)/2] // cut off
	case 1:
		return append([]byte{0xff, 0xfe}, value...) // no UTF-8
	case 2:
		return []byte("[]")
	}
	return []byte(`{"id":"","amount":"x"}`)
}
