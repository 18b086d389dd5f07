package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/txflow/txflow/stream/pipeline"
)

// lagIsOfCommitted asks a member for its lag: by what is committed, also while its partitions are paused; without
// the markers that producers in transactions leave; and nothing of partitions that another took.
func lagIsOfCommitted(t *testing.T, b *broker) {
	l := b.open("a")
	if l.Joined() {
		t.Error("it has joined before the first poll")
	}
	lag := func(l *Session) (partitions int, all int64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		byPartition, err := l.Lag(ctx)
		b.must(err)
		for _, n := range byPartition {
			all += n
		}
		return len(byPartition), all
	}
	if n, _ := lag(l); n != 0 {
		t.Errorf("it has %d partitions before it has joined", n)
	}
	b.send(0, 10, 0)
	messages := b.poll(l, 10)
	if n, all := lag(l); n != 2 || all != 10 || !l.Joined() {
		t.Errorf("with all read and none committed: lag %d of %d partitions, joined: %t", all, n, l.Joined())
	}
	b.must(l.KeepAlive(t.Context()))
	b.send(10, 3, 0)
	if _, all := lag(l); all != 13 {
		t.Errorf("with more sent while it is paused: lag %d", all)
	}
	b.must(l.Commit(t.Context(), []pipeline.Record{{Topic: b.out, Value: []byte("x")}}, messages))
	for end := time.Now().Add(time.Minute); ; { // the broker tells of a transaction a little after it took it
		_, all := lag(l)
		if all == 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("with ten committed: lag %d", all)
		}
	}

	reader, err := OpenSession(t.Context(), SessionConfig{Config: b.cfg, Topic: b.out, Group: "r-" + b.topic,
		Instance: "r"})
	b.must(err)
	defer b.close(reader)
	read := b.poll(reader, 1)
	b.must(reader.Commit(t.Context(), nil, read))
	for end := time.Now().Add(time.Minute); ; { // it has to come to the end
		none, err := pollOnce(reader, t.Context(), 1, time.Millisecond)
		b.must(err)
		if _, all := lag(reader); all == 0 && len(none) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("markers count as messages that wait")
		}
	}

	other := b.open("b")
	for end := time.Now().Add(time.Minute); ; {
		for _, member := range []*Session{l, other} {
			_, err := pollOnce(member, t.Context(), 1, time.Millisecond)
			b.must(err)
		}
		mine, _ := lag(l)
		its, _ := lag(other)
		if mine == 1 && its == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("two members have %d and %d partitions", mine, its)
		}
	}
}
