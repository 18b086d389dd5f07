package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

// in are messages with these values.
func in(values ...string) (out []Message) {
	for i, v := range values {
		out = append(out, Message{Topic: "in", Offset: int64(i), Key: []byte("k"), Value: []byte(v)})
	}
	return out
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("m", i)
	}
	return out
}

// start runs a member with batches of two messages until everything is committed.
func start(t *testing.T, s *fakeSession, h Handler) ([]Stats, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.end = cancel
	o := &seen{}
	err := New(s, h, Config{Name: "upper", Ledger: "upper", Topic: "in", DeadLetters: "dlq", Group: "g", Now: time.Now,
		Tracer: noop.NewTracerProvider().Tracer(""), Log: slog.New(slog.DiscardHandler), Observer: o, BatchMessages: 2,
		MaxMessage: 20,
		DrainLimit: time.Minute}).Run(ctx)
	return o.stats, err
}

// TestOutcomes has one message of each kind: each has one result, in the order of the messages, and the statistics
// count them.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := &fakeSession{source: in("a", "bad", "twice", strings.Repeat("x", 21), "b", "c")}
	s.source[4].Gap = 3
	stats, err := start(t, s, &upper{})
	if err != nil || len(s.written) != 5 || len(stats) != 3 {
		t.Fatalf("%v, written %q, %+v", err, s.written, stats)
	}
	for i, want := range []string{"out k A", `"code":"message_format"`, `"code":"message_too_large"`,
		`"code":"offsets_deleted"`, "out k C"} {
		if !strings.Contains(s.written[i], want) {
			t.Errorf("record %d is %s, want %s", i, s.written[i], want)
		}
	}
	if stats[0].DeadLetters[transaction.CodeMessage] != 1 || stats[1].Skipped != 1 ||
		stats[1].DeadLetters[transaction.CodeMessageSize] != 1 ||
		stats[2].Deleted != 3 {
		t.Errorf("%+v", stats)
	}
}

// counting attaches to each batch a record with the number of its messages.
type counting struct{ upper }

func (c *counting) Handle(ctx context.Context, b *Batch) error {
	b.Attach(Record{Topic: "counts", Value: fmt.Append(nil, len(b.Messages))})
	return c.upper.Handle(ctx, b)
}

// TestAttached writes records of a batch as a whole in its transaction, beside results and where messages have none.
func TestAttached(t *testing.T) {
	t.Parallel()
	s := &fakeSession{source: in("a", "b", "twice", "c", "twice"), commits: []error{ErrAborted}}
	if _, err := start(t, s, &counting{}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(s.written, ","), "out k A,out k B,counts  2,out k C,counts  2,counts  1"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
}

// TestForgotten ends a member whose handler decides nothing about a message: its offset is not committed.
func TestForgotten(t *testing.T) {
	t.Parallel()
	s := &fakeSession{source: in("a", "b", "c", "forgotten")}
	if _, err := start(t, s, &upper{}); fault.ExitCode(err) != fault.ExitFault ||
		!strings.Contains(err.Error(), "offset 3") {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
	if len(s.written) != 2 || s.done != 2 {
		t.Errorf("written %q, %d done", s.written, s.done)
	}
}

// TestAborts commits every message once and in order, however many transactions are aborted. While one is written, the
// next batch is handled and a third one polled, and no fourth.
func TestAborts(t *testing.T) {
	t.Parallel()
	aborted := fmt.Errorf("%w: lost", ErrAborted)
	s := &fakeSession{source: in(numbered(20)...), gate: make(chan struct{}), commits: []error{nil, aborted, nil, aborted,
		aborted, nil}}
	calls := 0
	h := &upper{wait: func(context.Context) error {
		if calls++; calls != 2 {
			return nil
		}
		defer close(s.gate)
		return until("three batches are in work", func() bool { return s.most == 6 }, s)
	}}
	stats, err := start(t, s, h)
	if err != nil || s.most != 6 {
		t.Fatalf("%v, %d messages polled ahead", err, s.most)
	}
	for i, text := range s.written {
		if text != fmt.Sprint("out k M", i) {
			t.Fatalf("record %d is %s", i, text)
		}
	}
	n := 0
	for _, st := range stats {
		if st.Aborted {
			n++
		}
	}
	if len(s.written) != 20 || n < 3 {
		t.Errorf("%d written, %d aborted", len(s.written), n)
	}
}

// TestRebalance revokes the partition while batches are in work: the handler hears of it, and each message is written
// once.
func TestRebalance(t *testing.T) {
	t.Parallel()
	s, h := &fakeSession{source: in(numbered(10)...), revoke: 4}, &upper{}
	if _, err := start(t, s, h); err != nil || len(s.written) != 10 || !s.revoked {
		t.Fatalf("%v, written %q", err, s.written)
	}
	if len(h.events) != 3 || h.events[0] != "assigned from 0" || h.events[1] != "revoked 0" ||
		!strings.HasPrefix(h.events[2], "assigned from ") {
		t.Errorf("%q", h.events)
	}
}

// TestFailure ends with the error of a transaction that cannot be tried again, also while a handler waits.
func TestFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := &fakeSession{source: in(numbered(6)...), commits: []error{broken}}
	calls := 0
	h := &upper{wait: func(ctx context.Context) error {
		if calls++; calls < 2 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	if _, err := start(t, s, h); !errors.Is(err, broken) || len(s.written) != 0 {
		t.Errorf("%v, written %q", err, s.written)
	}
}

// TestDrain ends the context while a batch is handled and the next one polled: the first is written when that takes
// less than the limit.
func TestDrain(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]int{time.Minute: 1, time.Millisecond: 0} {
		ctx, cancel := context.WithCancel(t.Context())
		s := &fakeSession{source: in("a"), end: cancel, waits: true}
		h := &upper{wait: func(ctx context.Context) error {
			err := until("the next batch is polled", func() bool { return s.polls > 1 }, s)
			s.end() // of the member, not of the batch
			if want == 1 && err == nil {
				return until("it is not polled any more", func() bool { return s.ended }, s)
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		o := &seen{}
		err := New(s, h, Config{Name: "upper", Topic: "in", DeadLetters: "dlq", Now: time.Now,
			Tracer: noop.NewTracerProvider().Tracer(""),
			Log:    slog.New(slog.DiscardHandler), Observer: o, BatchMessages: 2, MaxMessage: 20, DrainLimit: limit}).Run(ctx)
		if err != nil || len(s.written) != want || o.stats[0].Aborted != (want == 0) {
			t.Errorf("with %s: %v, written %q, %+v", limit, err, s.written, o.stats)
		}
	}
}

// TestKeepAlive keeps the partitions while a handler takes long and the next batch waits for it.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := &fakeSession{source: in("a", "b", "c")}
	h := &upper{wait: func(context.Context) error {
		return until("the session is kept alive", func() bool { return s.alive > 0 }, s)
	}}
	if _, err := start(t, s, h); err != nil || len(s.written) != 3 {
		t.Errorf("%v, written %q", err, s.written)
	}
}

// until waits for something about a session.
func until(what string, is func() bool, s *fakeSession) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		s.mu.Lock()
		so := is()
		s.mu.Unlock()
		if so {
			return nil
		}
		<-time.After(time.Millisecond)
	}
	return fmt.Errorf("after a minute not so: %s", what)
}
