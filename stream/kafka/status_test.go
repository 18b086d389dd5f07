package kafka

import (
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/classify"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
)

// looks are those of one broker under test.
func (b *broker) look(group, topic string) status.Look {
	b.t.Helper()
	s, err := OpenStatus(b.cfg)
	b.must(err)
	defer func() { b.must(s.Close()) }()
	look, err := s.Look(b.t.Context(), group, topic)
	b.must(err)
	return look
}

// standingIsTold follows a group from before it exists: nothing committed, some, all; and a reader of what it wrote in
// a transaction, whose markers are no messages.
func standingIsTold(t *testing.T, b *broker) {
	before := time.Now().Add(-time.Second)
	group := "g-" + b.topic
	b.send(0, 10, 0)
	look := b.look(group, b.topic)
	if s := status.Of(look, look); s.State != status.Missing || s.Lag != 10 || s.Members != 0 || look.Partitions[0].Committed != -1 {
		t.Errorf("before the group is there: %+v", s)
	}
	for _, p := range look.Partitions {
		if p.Lag() > 0 && (p.Oldest.Before(before) || p.Oldest.After(time.Now().Add(time.Second))) {
			t.Errorf("the oldest message of %d is of %s", p.Number, p.Oldest)
		}
	}
	l := b.open("me")
	var messages []classify.Message
	for len(messages) < 10 {
		more, err := l.Poll(t.Context(), 10, time.Second)
		b.must(err)
		messages = append(messages, more...)
	}
	b.must(l.Commit(t.Context(), []classify.Record{{Topic: b.out, Value: []byte("x")}}, messages[:4]))
	look = b.look(group, b.topic)
	s := status.Of(look, look)
	if s.Lag != 6 || s.Members != 1 || s.State != "Stable" || s.Delay <= 0 {
		t.Errorf("with four of ten: %+v", s)
	}
	for _, p := range look.Partitions {
		if p.Owner != "txflow-me at 127.0.0.1" {
			t.Errorf("partition %d is of %q", p.Number, p.Owner)
		}
	}
	b.must(l.Commit(t.Context(), nil, messages[4:]))
	look = b.look(group, b.topic)
	if s := status.Of(look, look); s.Lag != 0 || s.Delay != 0 {
		t.Errorf("with all: %+v", s)
	}
	reader, err := OpenLog(t.Context(), LogConfig{Config: b.cfg, Topic: b.out, Group: "r-" + b.topic, Instance: "r"})
	b.must(err)
	defer b.close(reader)
	var read []classify.Message
	for len(read) == 0 {
		read, err = reader.Poll(t.Context(), 1, time.Second)
		b.must(err)
	}
	b.must(reader.Commit(t.Context(), nil, read))
	look = b.look("r-"+b.topic, b.out)
	if s := status.Of(look, look); s.Lag != 0 || s.Delay != 0 {
		t.Errorf("markers count as messages: %+v", s)
	}
}

func TestStatusWithoutKafka(t *testing.T) {
	t.Parallel()
	s, err := OpenStatus(Config{Brokers: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Look(t.Context(), "g", topics.Raw)
	if batch.ExitCode(err) != batch.ExitUnavailable || batch.Hint(err) == "" {
		t.Errorf("exit %d: %v", batch.ExitCode(err), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
