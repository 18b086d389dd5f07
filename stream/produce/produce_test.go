package produce

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/message"
)

type sink struct {
	keys, values []string
	traces       int
	at           []time.Time
}

func (s *sink) Send(_ context.Context, key, value []byte, headers map[string]string) error {
	s.keys, s.values, s.at = append(s.keys, string(key)), append(s.values, string(value)), append(s.at, time.Now())
	if headers[message.HeaderTrace] != "" {
		s.traces++
	}
	return nil
}

func (*sink) Flush(context.Context) error { return nil }

type text string

func (f text) OpenSource(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(f))), nil
}

// send sends so many rows, the last of which breaks the rules.
func send(t *testing.T, rows int, cfg Config) (*sink, Stats) {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,description,amount,timestamp,merchant,operation_type,side\n")
	for i := range rows {
		side := "debit"
		if i == rows-1 {
			side = "sideways"
		}
		fmt.Fprintf(&b, "%d,Coffee,-1.50,2024-01-31 12:00:00,Shop,card,%s\n", i, side)
	}
	reader, err := source.Open(t.Context(), text(b.String()), "in.csv", source.Options{MaxRecord: source.DefaultMaxRecord, Rules: transaction.DefaultRules(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := &sink{}
	stats, err := Run(t.Context(), reader, s, cfg, func(Stats) {})
	if err != nil {
		t.Fatal(err)
	}
	return s, stats
}

func TestRun(t *testing.T) {
	t.Parallel()
	s, stats := send(t, 1000, Config{Source: "bank", Bad: 0.1, Duplicates: 0.2, Seed: 1, Traced: 0.5, Tracer: sdktrace.NewTracerProvider().Tracer("t")})
	if int(stats.Messages) != len(s.values) || stats.Messages != 1000+stats.Bad+stats.Duplicates || stats.Bad < 50 || stats.Bad > 150 || stats.Duplicates < 130 || stats.Duplicates > 270 {
		t.Errorf("%+v of %d", stats, len(s.values))
	}
	if s.traces < 500 || s.traces > 800 {
		t.Errorf("%d of %d carry a trace", s.traces, len(s.values))
	}
	parser := message.Parser{Rules: transaction.DefaultRules(time.Now())}
	bad := 0
	for i := range s.values {
		var p message.Parsed
		if v := parser.Parse([]byte(s.values[i]), &p); v.Code != transaction.CodeOK {
			bad++
		} else if p.Transaction.SourceID != s.keys[i] || p.Source != "bank" {
			t.Errorf("%s under %s", s.values[i], s.keys[i])
		}
	}
	if extra := bad - int(stats.Bad); extra != 1 && extra != 2 { // the last row, perhaps twice
		t.Errorf("%d messages break the rules, %d were made bad", bad, stats.Bad)
	}
	again, _ := send(t, 1000, Config{Source: "bank", Bad: 0.1, Duplicates: 0.2, Seed: 1, Traced: 0.5, Tracer: sdktrace.NewTracerProvider().Tracer("t")})
	if strings.Join(again.values, "") != strings.Join(s.values, "") {
		t.Error("the same seed makes other messages")
	}
	if s, _ := send(t, 1000, Config{Limit: 10}); len(s.values) != 10 {
		t.Errorf("a limit of 10 sends %d", len(s.values))
	}
}

// TestBursts sends 20 at once, at 200 a second: the bursts are a tenth of a second apart, and nothing between them.
func TestBursts(t *testing.T) {
	t.Parallel()
	s, _ := send(t, 80, Config{Rate: 200, Burst: 20})
	for i := 20; i < len(s.at); i += 20 {
		if gap := s.at[i].Sub(s.at[i-1]); gap < 50*time.Millisecond {
			t.Errorf("between the bursts at %d lie only %s", i, gap)
		}
	}
	if took := s.at[len(s.at)-1].Sub(s.at[0]); took < 290*time.Millisecond {
		t.Errorf("80 at 200 a second took %s", took)
	}
}
