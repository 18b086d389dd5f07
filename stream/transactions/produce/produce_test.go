package produce

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/transactions/message"
)

type sink struct {
	keys, values []string
	traces       int
	at           []time.Time
	largest      int  // bytes of a message; 0 for no bound
	down         bool // nothing is acknowledged
}

func (s *sink) Send(_ context.Context, r pipeline.Record) error {
	if s.largest > 0 && len(r.Value) > s.largest {
		return fault.Failf(fault.ExitData, "too large")
	}
	s.keys, s.values, s.at = append(s.keys, string(r.Key)), append(s.values, string(r.Value)), append(s.at, time.Now())
	if len(r.Headers) == 1 && r.Headers[0].Name == pipeline.HeaderTrace {
		s.traces++
	}
	return nil
}

func (s *sink) Flush(ctx context.Context) error {
	if !s.down {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *sink) Acknowledged() int64 {
	if s.down {
		return int64(len(s.values) / 2)
	}
	return int64(len(s.values))
}

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
	reader, err := source.Open(t.Context(), text(b.String()), "in.csv", source.Options{MaxRecord: source.DefaultMaxRecord,
		Rules: transaction.DefaultRules(time.Now())})
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
	s, stats := send(t, 1000, Config{Source: "bank", Bad: 0.1, Duplicates: 0.2, Seed: 1, Traced: 0.5,
		Tracer: sdktrace.NewTracerProvider().Tracer("t")})
	if int(stats.Messages) != len(s.values) || stats.Messages != 1000+stats.Bad+stats.Duplicates || stats.Bad < 50 ||
		stats.Bad > 150 || stats.Duplicates < 130 || stats.Duplicates > 270 {
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
	again, _ := send(t, 1000, Config{Source: "bank", Bad: 0.1, Duplicates: 0.2, Seed: 1, Traced: 0.5,
		Tracer: sdktrace.NewTracerProvider().Tracer("t")})
	if strings.Join(again.values, "") != strings.Join(s.values, "") {
		t.Error("the same seed makes other messages")
	}
	if s, _ := send(t, 1000, Config{Limit: 10}); len(s.values) != 10 {
		t.Errorf("a limit of 10 sends %d", len(s.values))
	}
}

const header = "id,description,amount,timestamp,merchant,operation_type,side\n"

func open(t *testing.T, csv string) *source.Reader {
	t.Helper()
	reader, err := source.Open(t.Context(), text(csv), "in.csv", source.Options{MaxRecord: source.DefaultMaxRecord,
		Rules: transaction.DefaultRules(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return reader
}

// TestInterrupted ends within the drain, and says that messages are not acknowledged or rows not sent, if there are
// any.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ down, endless bool }{{false, false}, {false, true}, {true, true}} {
		s := &sink{down: c.down}
		ctx, cancel := context.WithCancel(t.Context())
		reader := open(t, header+strings.Repeat("1,Coffee,-1.50,2024-01-31 12:00:00,Shop,card,debit\n", 100))
		stats, err := Run(ctx, reader, s, Config{Rate: 100, Burst: 10, Endless: c.endless, Drain: 10 * time.Millisecond},
			func(st Stats) {
				if st.Messages == 20 {
					cancel()
				}
			})
		cancel()
		switch {
		case !c.down && (stats.Acknowledged != stats.Messages || stats.Messages != 20):
			t.Errorf("with all acknowledged: %+v %v", stats, err)
		case !c.down && c.endless != (err == nil):
			t.Errorf("endless: %v, with all acknowledged: %v", c.endless, err)
		case !c.down && err != nil && (fault.ExitCode(err) != fault.ExitTryAgain ||
			!strings.Contains(err.Error(), "before all were sent")):
			t.Errorf("with rows that were not sent: %v", err)
		case c.down && (fault.ExitCode(err) != fault.ExitTryAgain || stats.Acknowledged != 10 ||
			!strings.Contains(err.Error(), "10 of the 20")):
			t.Errorf("with half acknowledged: %+v %v", stats, err)
		}
	}
}

// TestTooLarge names the line of a row that the broker refuses, and what was sent before it counts.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := &sink{largest: 1000}
	reader := open(t, header+"1,Coffee,-1.50,2024-01-31 12:00:00,Shop,card,debit\n"+
		"2,"+strings.Repeat("x", 1000)+",-1.50,2024-01-31 12:00:00,Shop,card,debit\n")
	stats, err := Run(t.Context(), reader, s, Config{}, func(Stats) {})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "in.csv, line 3: ") ||
		stats.Messages != 1 || stats.Acknowledged != 1 {
		t.Errorf("%+v %v", stats, err)
	}
}

// TestValidate names every flag that is wrong, at once.
func TestValidate(t *testing.T) {
	t.Parallel()
	if err := (&Config{Burst: 1}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (&Config{Source: "bank", Rate: 0.5, Burst: MaxBurst, Bad: 1, Duplicates: 1, Traced: 1, Limit: 1,
		Drain: time.Second}).Validate(); err != nil {
		t.Error(err)
	}
	nan := math.NaN()
	for _, c := range []Config{
		{Source: "a\nb", Rate: -1, Burst: 0, Bad: 2, Duplicates: -0.1, Traced: nan, Limit: -1, Drain: -1},
		{Source: "\xff", Rate: nan, Burst: -5, Bad: nan, Duplicates: nan, Traced: 1.1, Limit: -1, Drain: -1},
		{Source: strings.Repeat("x", 257), Rate: math.Inf(1), Burst: MaxBurst + 1, Bad: math.Inf(-1), Duplicates: 7,
			Traced: -1, Limit: -1, Drain: -1},
	} {
		err := c.Validate()
		for _, flag := range []string{"--source", "--rate", "--burst", "--bad", "--duplicates", "--traced", "--count",
			"--drain"} {
			if err == nil || !strings.Contains(err.Error(), flag) {
				t.Errorf("%+v: %v does not name %s", c, err, flag)
			}
		}
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
