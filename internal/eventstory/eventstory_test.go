package eventstory

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

func message(e *event.Event, offset uint64) store.EventMessage {
	return store.EventMessage{Topic: events.Raw, Partition: 2, Offset: offset,
		Value: events.AppendRaw(events.AppendHeader(nil, 1), e)}
}

// TestFate has of one id the message that is stored, the same again, other contents, a dead letter and noise.
func TestFate(t *testing.T) {
	t.Parallel()
	e := event.Event{ID: event.NewID(), Correlation: event.NewID(), Form: event.FormSimple, Type: "USER_LOGIN",
		AccountID: "a", Data: `{}`}
	other := e
	other.AccountID = "b"
	noise := message(&e, 14)
	noise.Value = []byte("noise")
	st := &store.EventStory{State: store.EventGold, Event: json.RawMessage(fmt.Sprintf(
		`{"correlation_id":"%s","origin":"%s","partition":2,"position":10,"content_hash":"%d"}`,
		e.Correlation, events.Raw, e.ContentHash())),
		Messages: []store.EventMessage{message(&e, 10), message(&e, 11), message(&other, 12), message(&other, 13), noise},
		DeadLetters: []store.EventDeadLetter{{Origin: events.Raw, Partition: 2, Position: 12, Code: "id_conflict",
			State: "open"}},
	}
	want := []Fate{{Stored, "stored"}, {Duplicate, "duplicate of events.raw/2:10"},
		{DeadLetter, "dead letter, open: id_conflict"}, {OnItsWay, "not refined, or not read by ClickHouse, yet"},
		{OnItsWay, "not refined, or not read by ClickHouse, yet"}}
	s, err := Read(st)
	if err != nil {
		t.Fatal(err)
	}
	for i := range st.Messages {
		if got := s.Fate(&st.Messages[i]); got != want[i] {
			t.Errorf("message %d: %v, want %v", i, got, want[i])
		}
	}
	if got := s.Correlation(); got != e.Correlation.String() {
		t.Errorf("package %s", got)
	}
	erased := &Story{EventStory: &store.EventStory{State: store.EventErased}}
	if got := erased.Fate(&st.Messages[0]); got.Kind != Erased {
		t.Errorf("of an erased event: %v", got)
	}
	if _, err := Read(&store.EventStory{Event: json.RawMessage(`[]`)}); err == nil {
		t.Error("a row that is no object is read")
	}
}

// TestCorrelation finds the package of an event that is not in gold: by its dead letter of the collector, else by its
// message.
func TestCorrelation(t *testing.T) {
	t.Parallel()
	e := event.Event{ID: event.NewID(), Correlation: event.NewID(), Form: event.FormSimple, Type: "USER_LOGIN",
		AccountID: "a", Data: `{}`}
	for want, st := range map[string]*store.EventStory{
		"package-1":            {DeadLetters: []store.EventDeadLetter{{Origin: events.Collector, Digest: "package-1"}}},
		e.Correlation.String(): {Messages: []store.EventMessage{message(&e, 1)}},
		"":                     {DeadLetters: []store.EventDeadLetter{{Origin: events.Raw, Digest: "topic"}}},
	} {
		s, err := Read(st)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Correlation(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
