package kafka

import (
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
)

// stands looks at a group until it has such a lag: the broker tells of a transaction a little after it took it.
func (b *broker) stands(group, topic string, lag int64) status.Status {
	b.t.Helper()
	s, err := OpenStatus(b.cfg)
	b.must(err)
	defer func() { b.must(s.Close()) }()
	for end := time.Now().Add(time.Minute); ; {
		look, err := s.Look(b.t.Context(), group, topic)
		b.must(err)
		found := status.Of(look, look)
		if found.Lag == lag {
			return found
		}
		if time.Now().After(end) {
			b.t.Fatalf("after a minute %s stands at %+v, want lag %d", group, found, lag)
		}
	}
}

// offsetsAreReported follows a group from before it exists: nothing committed, some, all; and a reader of what it wrote
// in a transaction, whose markers are no messages.
func offsetsAreReported(t *testing.T, b *broker) {
	before := time.Now().Add(-time.Second)
	group := "g-" + b.topic
	b.send(0, 10, 0)
	s := b.stands(group, b.topic, 10)
	if s.State != status.Missing || s.Members != 0 || s.Partitions[0].Committed != -1 {
		t.Errorf("before the group is there: %+v", s)
	}
	for _, p := range s.Partitions {
		if p.Lag() > 0 && (p.Oldest.Before(before) || p.Oldest.After(time.Now().Add(time.Second))) {
			t.Errorf("the oldest message of %d is of %s", p.Number, p.Oldest)
		}
	}
	l := b.open("me")
	messages := b.poll(l, 10)
	b.must(l.Commit(t.Context(), []pipeline.Record{{Topic: b.out, Value: []byte("x")}}, messages[:4]))
	if s = b.stands(group, b.topic, 6); s.Members != 1 || s.State != "Stable" || s.Delay <= 0 {
		t.Errorf("with four of ten: %+v", s)
	}
	for _, p := range s.Partitions {
		if p.Owner != "me at 127.0.0.1" {
			t.Errorf("partition %d is of %q", p.Number, p.Owner)
		}
	}
	b.must(l.Commit(t.Context(), nil, messages[4:]))
	if s = b.stands(group, b.topic, 0); s.Delay != 0 {
		t.Errorf("with all: %+v", s)
	}
	reader, err := OpenSession(t.Context(), SessionConfig{Config: b.cfg, Topic: b.out, Group: "r-" + b.topic,
		Instance: "r"})
	b.must(err)
	defer b.close(reader)
	read := b.poll(reader, 1)
	b.must(reader.Commit(t.Context(), nil, read))
	if s = b.stands("r-"+b.topic, b.out, 0); s.Delay != 0 { // markers are no messages
		t.Errorf("with what was written in a transaction: %+v", s)
	}
	at, err := OpenStatus(b.cfg)
	b.must(err)
	defer func() { b.must(at.Close()) }()
	for _, c := range []struct {
		topic string
		since time.Time
		want  bool
	}{{b.topic, before, true}, {b.topic, time.Now().Add(time.Hour), false}, {"none-" + b.topic, before, false}} {
		if got, err := at.WrittenSince(t.Context(), c.topic, c.since); err != nil || got != c.want {
			t.Errorf("%s was written since %s: %t, %v", c.topic, c.since, got, err)
		}
	}
}

func TestStatusWithoutKafka(t *testing.T) {
	t.Parallel()
	s, err := OpenStatus(Config{Brokers: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Look(t.Context(), "g", topics.Raw)
	if fault.ExitCode(err) != fault.ExitUnavailable || fault.Hint(err) == "" {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
