package refine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

func simple(id event.ID) event.Event {
	return event.Event{ID: id, Correlation: event.NewID(), Received: 1, Form: event.FormSimple, Type: "PAYMENT_RECEIVED",
		AccountID: "company-1",
		UserID:    "user-1", IPAddress: "127.0.0.1", UserAgent: "a", SessionID: "s", Data: `{"a":"b"}`, HasTimestamp: true,
		Timestamp: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC).UnixMicro(), TimestampText: "1790000000000"}
}

// TestWhatIsWritten has each event exactly once: in events.silver, in the dead letters, or nowhere as a duplicate, by
// the rule, whatever is aborted, revoked and killed. Members begin with windows from events.claims alone; every third
// log has members of a release that wrote none, in between, whose claims are in events.silver.
func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	deaths, aborts, older := 0, 0, 0
	for seed := range uint64(18) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := &log{r: r, faults: true}
		want := map[string]string{} // by partition and offset
		type claim struct{ offset, hour, amount int }
		claims := map[event.ID]claim{}
		ids := make([]event.ID, 150)
		for i := range ids {
			ids[i] = event.NewID()
		}
		now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		for range 600 {
			now = now.Add(time.Duration(r.IntN(600)) * time.Second)
			if r.IntN(100) == 0 {
				now = now.Add(time.Duration(r.IntN(40)) * time.Hour)
			}
			which, amount := r.IntN(len(ids)), r.IntN(6)/5
			e := simple(ids[which])
			e.Data = fmt.Sprintf(`{"amount":%d}`, amount)
			bad := r.IntN(10) == 0
			if bad {
				e.AccountID = ""
			}
			m := l.add(which%3, &e, now.UnixMicro())
			at := fmt.Sprint(m.Partition, " ", m.Offset)
			hour := int(now.UnixMicro() / time.Hour.Microseconds())
			c, claimed := claims[e.ID]
			switch claimed = claimed && hour-c.hour <= 24; {
			case bad:
				want[at] = "missing_value"
			case !claimed:
				want[at] = events.Silver
				claims[e.ID] = claim{int(m.Offset), hour, amount}
			case c.amount != amount:
				want[at] = fmt.Sprintf("id_conflict partition %d, offset %d", m.Partition, c.offset)
			}
		}
		for {
			l.old = seed%3 == 0 && r.IntN(2) == 0
			err := l.member(t, New(config(t, l)))
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			deaths++
		}
		aborts += l.aborts
		for i := range l.written {
			w := &l.written[i]
			at, what := "", ""
			if w.Topic == events.Claims {
				continue
			}
			if w.Topic == events.Silver {
				var s events.Refined
				if err := json.Unmarshal(w.Value, &s); err != nil || string(w.Key) != s.EventID || !w.Pinned ||
					w.Partition != s.Partition {
					t.Fatalf("seed %d: %s in partition %d: %v", seed, w.Value, w.Partition, err)
				}
				at, what = fmt.Sprint(s.Partition, " ", s.Position), events.Silver
			} else {
				var d deadletter.Message
				if err := json.Unmarshal(w.Value, &d); err != nil {
					t.Fatal(err)
				}
				if at, what = fmt.Sprint(d.Partition, " ", d.Position), d.Code; d.Code == "id_conflict" {
					_, where, _ := strings.Cut(d.Message, ": ")
					what += " " + where
				}
			}
			if want[at] != what {
				t.Fatalf("seed %d: %s is %q, want %q (or it is there twice)", seed, at, what, want[at])
			}
			delete(want, at)
		}
		if len(want) > 0 {
			t.Fatalf("seed %d: lost: %v", seed, want)
		}
		older += l.reads[events.Silver]
		if seed%3 > 0 && l.reads[events.Silver] > 0 {
			t.Errorf("seed %d: windows were restored from %v messages", seed, l.reads)
		}
	}
	if deaths < 6 || aborts < 10 || older == 0 { // how many depends on random ids
		t.Errorf("only %d deaths, %d aborts, %d messages of an older release", deaths, aborts, older)
	}
}

// TestRow looks at what is said of events: of one with everything, and of one that is replayed without a time stamp.
func TestRow(t *testing.T) {
	t.Parallel()
	l := &log{r: rand.New(rand.NewPCG(1, 1))}
	e := simple(event.NewID())
	e.Token, e.MessageID = "shop", "m"
	m := l.add(2, &e, e.Timestamp+2*time.Hour.Microseconds())
	m.Traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	other := event.Event{ID: event.NewID(), Correlation: event.NewID(), Form: event.FormPackage, AccountID: "a",
		UserID: "u",
		Type:   `Holded\Wallet\Domain\Account\Events\AccountCreatedEvent`, Data: `{"id":"1"}`, Attributes: `{"type":"x"}`}
	l.add(0, &other, 5000).Version = 4000
	h := New(config(t, l))
	if err := l.member(t, h); err != nil || len(l.results()) != 2 {
		t.Fatalf("%v, %d written", err, len(l.results()))
	}
	rows := map[string]events.Refined{}
	for _, w := range l.results() {
		var r events.Refined
		if err := json.Unmarshal(w.Value, &r); err != nil {
			t.Fatal(err)
		}
		rows[r.EventID] = r
		if header(w.Headers, pipeline.HeaderTrace) != m.Traceparent == (r.Partition == 2) {
			t.Errorf("headers %q", w.Headers)
		}
	}
	r := rows[e.ID.String()]
	if r.CorrelationID != e.Correlation.String() || r.Token != "shop" || r.Context != "payments" || r.Score != "1" ||
		len(r.LostPoints) != 0 ||
		r.TimestampUS != e.Timestamp || r.TimestampSource != "sender" || !r.Late || r.Future || r.SchemaID != 7 ||
		r.PublishedUS != m.Version ||
		r.Origin != events.Raw || r.OriginDigest != logID || r.Partition != 2 || r.Position != 0 ||
		r.ContentHash != e.ContentHash() ||
		r.TraceID != "0123456789abcdef0123456789abcdef" || r.Data != e.Data || r.ProcessedUS == 0 ||
		r.RulesVersion != *h.stats.rules.Load() {
		t.Errorf("%+v", r)
	}
	r = rows[other.ID.String()]
	if r.TimestampUS != 4000 || r.TimestampSource != "broker" || r.PublishedUS != 4000 || r.Late ||
		r.Context != "account_management" ||
		r.Score != "0.7" || len(r.LostPoints) != 3 || r.LostPoints[0] != (events.Lost{Rule: "no_timestamp", Points: "0.1"}) {
		t.Errorf("%+v", r)
	}
}

// TestDeadLetters rejects what is no event, whoever wrote it, with the message as it came.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	l := &log{r: rand.New(rand.NewPCG(1, 1))}
	var want []string
	add := func(code string, change func(*event.Event, *pipeline.Message)) {
		e := simple(event.NewID())
		change(&e, nil)
		m := l.add(0, &e, 1)
		change(&e, m)
		want = append(want, code)
	}
	message := func(change func(*pipeline.Message)) func(*event.Event, *pipeline.Message) {
		return func(_ *event.Event, m *pipeline.Message) {
			if m != nil {
				change(m)
			}
		}
	}
	of := func(change func(*event.Event)) func(*event.Event, *pipeline.Message) {
		return func(e *event.Event, m *pipeline.Message) {
			if m == nil {
				change(e)
			}
		}
	}
	add("event_format", message(func(m *pipeline.Message) { m.Value = []byte("{}") }))
	add("event_format", message(func(m *pipeline.Message) { m.Value = nil }))
	add("event_format", message(func(m *pipeline.Message) { m.Value = m.Value[:30] }))
	add("event_key", message(func(m *pipeline.Message) { m.Key = []byte(strings.ToUpper(string(m.Key))) }))
	add("event_key", message(func(m *pipeline.Message) { m.Key = nil }))
	add("event_format", of(func(e *event.Event) { e.Form = "other" }))
	add("missing_value", of(func(e *event.Event) { e.Type = "" }))
	add("missing_value", of(func(e *event.Event) { e.Form, e.UserID = event.FormPackage, "" }))
	add("event_format", of(func(e *event.Event) { e.Extra = "{" }))
	add("event_too_large", of(func(e *event.Event) { e.Data = `["` + strings.Repeat(`\"`, 250_000) + `"]` }))
	if err := l.member(t, New(config(t, l))); err != nil || len(l.results()) != len(want) {
		t.Fatalf("%v, %d written", err, len(l.results()))
	}
	for i, w := range l.results() {
		var d deadletter.Message
		if err := json.Unmarshal(w.Value, &d); err != nil || w.Topic != events.DeadLetters || d.Code != want[i] ||
			d.Origin != events.Raw ||
			d.Position != uint64(i) || header(w.Headers, pipeline.HeaderReason) != d.Code || d.Message == "" ||
			header(w.Headers, pipeline.HeaderError) != d.Message || (d.Raw == "") != (i == 1) {
			t.Errorf("%d: %s, headers %q, want %s: %v", i, w.Value, w.Headers, want[i], err)
		}
	}
}

// registry answers after some failures, and knows one schema.
type registry struct {
	failures atomic.Int32
	asked    atomic.Int32
	text     string
}

func (r *registry) Schema(_ context.Context, id int32) (string, bool, error) {
	r.asked.Add(1)
	if r.failures.Add(-1) >= 0 {
		return "", false, errors.New("no answer")
	}
	return r.text, id == 7, nil
}

// TestSchemas waits for a registry that does not answer, asks once for a schema, and rejects what names an unknown one.
func TestSchemas(t *testing.T) {
	t.Parallel()
	l := &log{r: rand.New(rand.NewPCG(1, 1))}
	for range 3 {
		e := simple(event.NewID())
		l.add(0, &e, 1)
	}
	e := simple(event.NewID())
	l.add(0, &e, 1).Value[4] = 8
	cfg, r := config(t, l), &registry{text: events.RawSchema}
	r.failures.Store(1)
	cfg.Schemas = r
	if err := l.member(t, New(cfg)); err != nil || len(l.results()) != 4 || r.asked.Load() != 3 {
		t.Fatalf("%v, %d written, asked %d times", err, len(l.results()), r.asked.Load())
	}
	for i, w := range l.results() {
		if (w.Topic == events.Silver) != (i < 3) || i == 3 && header(w.Headers, pipeline.HeaderReason) != "schema_unknown" {
			t.Errorf("%d: %s %s", i, w.Topic, w.Value)
		}
	}
	l.add(0, &e, 1)
	r.text = `"string"`
	if err := l.member(t, New(cfg)); fault.ExitCode(err) != fault.ExitData || len(l.results()) != 4 {
		t.Errorf("a schema that cannot be read: exit %d, %v, %d written", fault.ExitCode(err), err, len(l.results()))
	}
}
