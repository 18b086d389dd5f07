// Package produce simulates live traffic: the rows of a file as raw messages, at a rate or flat out, with bad messages and
// duplicates on request.
package produce

import (
	"context"
	"math/rand/v2"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/message"
	"github.com/txflow/txflow/stream/topics"
)

// Sink takes messages. A nil error of Flush means that the broker has all that were sent.
type Sink interface {
	Send(ctx context.Context, key, value []byte, headers map[string]string) error
	Flush(ctx context.Context) error
}

// Config says how. Shares are of the rows, 0 to 1.
type Config struct {
	Source     string  // that messages name; "" for none
	Rate       float64 // messages a second; 0 for as fast as the broker takes them
	Burst      int     // messages at once, at the same rate in the long run; at least 1
	Bad        float64 // share of rows before which a message that breaks the rules is sent
	Duplicates float64 // share of rows that are sent twice
	Traced     float64 // share of messages that carry a trace, which begins here
	Tracer     trace.Tracer
	Limit      int64  // rows; 0 for all
	Seed       uint64 // the same one makes the same messages
}

// Stats count what was sent.
type Stats struct{ Messages, Bad, Duplicates int64 }

type encoded struct{ keys, values [][]byte }

// Run sends the rows of a reader. Rows of the file that break the rules are sent as they are: the stream sorts them out.
func Run(ctx context.Context, rows *source.Reader, sink Sink, cfg Config, observe func(Stats)) (Stats, error) {
	p := &producer{sink: sink, cfg: cfg, observe: observe, random: rand.New(rand.NewPCG(cfg.Seed, 0))} //nolint:gosec // repeatable on purpose
	if cfg.Rate > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(cfg.Rate), max(cfg.Burst, 1))
	}
	worker := func() func(func(func(*source.Row))) encoded {
		return func(each func(func(*source.Row))) (e encoded) {
			each(func(r *source.Row) {
				e.keys = append(e.keys, append([]byte(nil), transaction.TrimField(r.Fields[transaction.ColID])...))
				e.values = append(e.values, encode(r, cfg.Source))
			})
			return e
		}
	}
	err := source.Scan(ctx, rows, 1, worker, func(e encoded) error { return p.block(ctx, e) })
	if err == errEnough { //nolint:errorlint // it is returned as it is
		err = nil
	}
	if flushErr := sink.Flush(context.WithoutCancel(ctx)); err == nil {
		err = flushErr
	}
	observe(p.stats)
	return p.stats, err
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
	rows    int64
	stats   Stats
	observe func(Stats)
}

func (p *producer) block(ctx context.Context, e encoded) error {
	for i := range e.values {
		if p.cfg.Limit > 0 && p.rows == p.cfg.Limit {
			return errEnough
		}
		p.rows++
		if p.random.Float64() < p.cfg.Bad {
			p.stats.Bad++
			if err := p.send(ctx, e.keys[i], spoil(e.values[i], p.random.IntN(spoils))); err != nil {
				return err
			}
		}
		if err := p.send(ctx, e.keys[i], e.values[i]); err != nil {
			return err
		}
		if p.random.Float64() < p.cfg.Duplicates {
			p.stats.Duplicates++
			if err := p.send(ctx, e.keys[i], e.values[i]); err != nil {
				return err
			}
		}
	}
	p.observe(p.stats)
	return nil
}

func (p *producer) send(ctx context.Context, key, value []byte) error {
	if burst := int64(max(p.cfg.Burst, 1)); p.limiter != nil && p.stats.Messages%burst == 0 {
		p.observe(p.stats)
		if err := p.limiter.WaitN(ctx, int(burst)); err != nil {
			return err
		}
	}
	p.stats.Messages++
	var headers map[string]string
	if p.cfg.Traced > 0 && p.random.Float64() < p.cfg.Traced {
		spanCtx, span := p.cfg.Tracer.Start(ctx, "send "+topics.Raw, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "send"), attribute.String("messaging.destination.name", topics.Raw)))
		defer span.End()
		headers = map[string]string{}
		propagation.TraceContext{}.Inject(spanCtx, propagation.MapCarrier(headers))
	}
	return p.sink.Send(ctx, key, value, headers)
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
