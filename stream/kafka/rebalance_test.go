package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txflow/txflow/stream/pipeline"
)

// What the suite asks of partitions that are revoked and come back.

func takenAwayBeforeCommit(t *testing.T, b *broker) {
	b.send(0, 40, 0)
	l := b.open("a")
	held := b.poll(l, 40)
	b.visit(func() error { return l.KeepAlive(t.Context()) })
	b.whole(l)
	if err := b.commit(l, held); !errors.Is(err, pipeline.ErrAborted) {
		t.Fatalf("a commit of messages that were revoked and came back says %v", err)
	}
	b.must(b.commit(l, b.poll(l, 40)))
	b.wrote(numbered(0, 40))
}

func givenBackWithinPoll(t *testing.T, b *broker) {
	b.send(0, 40, 0)
	l := b.open("a")
	polled := make(chan []pipeline.Message, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // one poll, which more messages than there are would end
		var m []pipeline.Message
		var err error
		for len(m) == 0 && err == nil && ctx.Err() == nil { // none at all ends a poll early
			m, err = pollOnce(l, ctx, 1000, time.Hour)
		}
		if err != nil {
			t.Error(err)
		}
		polled <- m
	}()
	b.visit(nil)
	b.send(40, 10, 0)
	var messages []pipeline.Message
	for deadline := time.After(time.Minute); messages == nil; { // when all partitions are back, the poll may end
		assigned, err := l.consumer.Assignment()
		b.must(err)
		if len(assigned) == 2 {
			positions, err := l.consumer.Position(assigned)
			b.must(err)
			read := int64(0)
			for _, p := range positions {
				read += max(int64(p.Offset), 0)
			}
			if read == 50 {
				cancel()
				messages = <-polled
				continue
			}
		}
		select {
		case <-deadline:
			t.Fatal("not all messages were read within a minute")
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if got := names(messages); !slices.Equal(got, numbered(0, 50)) {
		t.Errorf("one poll gives %d messages: %q", len(got), got)
	}
	b.must(b.commit(l, messages))
	b.wrote(numbered(0, 50))
}

func aheadIsDiscarded(t *testing.T, b *broker) {
	b.send(0, 60, 0)
	l := b.open("a")
	first, second := b.poll(l, 20), b.poll(l, 20)
	l.epoch.raise()
	for _, m := range [][]pipeline.Message{first, second} {
		if err := b.commit(l, m); !errors.Is(err, pipeline.ErrAborted) {
			t.Fatalf("a commit of messages that come again says %v", err)
		}
	}
	again := b.poll(l, 60)
	if err := b.commit(l, second); !errors.Is(err, pipeline.ErrAborted) {
		t.Fatalf("a late commit of messages that came again says %v", err)
	}
	b.must(b.commit(l, again)) // the late one revoked nothing
	b.wrote(numbered(0, 60))
}

func rebalanceWhileWriting(t *testing.T, b *broker) {
	const each = 20
	p, err := NewProducer(b.cfg)
	b.must(err)
	defer p.Close()
	l := b.open("a")
	sent, polled, committed := 0, 0, 0
	written := make(chan int, 1)
	written <- 0
	work := func() error { // polls the next messages while the last ones are committed
		messages, err := pollOnce(l, t.Context(), each, time.Millisecond)
		if err != nil {
			return err
		}
		committed += <-written
		polled += len(messages)
		go func() {
			n := len(messages)
			if n > 0 {
				if err := b.commit(l, messages); err != nil {
					n = 0
					if !errors.Is(err, pipeline.ErrAborted) {
						t.Error(err)
					}
				}
			}
			written <- n
		}()
		return nil
	}
	for range 3 {
		b.visit(func() error {
			for range each {
				name := fmt.Appendf(nil, "m%04d", sent)
				b.must(p.Send(t.Context(), pipeline.Record{Topic: b.topic, Key: name, Value: name}))
				sent++
			}
			b.must(p.Flush(t.Context()))
			return work()
		})
	}
	for deadline := time.Now().Add(time.Minute); committed < sent && time.Now().Before(deadline); {
		b.must(work())
	}
	<-written
	t.Logf("%d messages, %d polled", sent, polled)
	want := numbered(0, sent)
	slices.Sort(want)
	b.wrote(want)
}

func takenAwayInPause(t *testing.T, b *broker) {
	b.send(0, 40, 0)
	l := b.open("a")
	held := b.poll(l, 40)
	b.must(l.KeepAlive(t.Context()))
	committed := 0
	b.visit(func() error {
		assigned, err := l.consumer.Assignment()
		b.must(err)
		if len(assigned) == 2 {
			return l.KeepAlive(t.Context())
		}
		// The pause ends without the partition that was revoked. What comes again of the other one may be committed.
		some, err := pollOnce(l, t.Context(), 1, time.Millisecond)
		if err == nil && len(some) > 0 {
			if err = b.commit(l, some); err == nil {
				committed += len(some)
			} else if errors.Is(err, pipeline.ErrAborted) {
				err = nil
			}
		}
		return err
	})
	b.send(40, 10, 0)
	if err := b.commit(l, held); !errors.Is(err, pipeline.ErrAborted) {
		t.Fatalf("a commit of messages that were revoked says %v", err)
	}
	err := b.commit(l, b.poll(l, 50-committed))
	for deadline := time.Now().Add(time.Minute); errors.Is(err, pipeline.ErrAborted) && time.Now().Before(deadline); {
		// when the visitor's session is over, all partitions are assigned once more
		err = b.commit(l, b.poll(l, 50-committed))
	}
	b.must(err)
	b.wrote(numbered(0, 50))
}

// assignmentsAreReported has a member get two partitions with their committed offsets and metadata, lose one, and get
// it back.
func assignmentsAreReported(t *testing.T, b *broker) {
	now := time.Now()
	b.sendAt(now, now, now)
	first := b.open("first")
	messages := b.poll(first, 2)
	b.must(b.commit(first, messages))
	b.leave(first)
	l := b.open("a")
	has := map[int32]pipeline.Assignment{}
	var revoked, assigned int
	poll := func() error {
		polled, err := l.Poll(t.Context(), 1, time.Millisecond)
		for _, p := range polled.Revoked {
			if _, ok := has[p.Number]; !ok {
				t.Errorf("partition %d is revoked, and was not assigned", p.Number)
			}
			delete(has, p.Number)
			revoked++
		}
		for _, a := range polled.Assigned {
			if _, ok := has[a.Number]; ok {
				t.Errorf("partition %d is assigned twice", a.Number)
			}
			has[a.Number] = a
			assigned++
		}
		for i := range polled.Messages {
			if _, ok := has[polled.Messages[i].Partition]; !ok {
				t.Errorf("a message of partition %d comes before its assignment", polled.Messages[i].Partition)
			}
		}
		return err
	}
	all := func(what string) {
		for deadline := time.Now().Add(time.Minute); len(has) < 2; b.must(poll()) {
			if time.Now().After(deadline) {
				t.Fatalf("%s the assignments %v are reported", what, has)
			}
		}
	}
	all("at first")
	last := messages[1]
	if a := has[0]; a.Topic != b.topic || a.Next != 2 || a.Version != last.LogVersion ||
		a.Metadata != packMetadata(last.LogVersion) ||
		a.LogID != last.LogID {
		t.Errorf("after %+v: %+v", last, a)
	}
	if a := has[1]; a.Next != -1 || a.Version != 0 || a.Metadata != "" {
		t.Errorf("where nothing is committed: %+v", a)
	}
	b.visit(poll)
	all("after a visit")
	if revoked == 0 || assigned != 2+revoked {
		t.Errorf("%d partitions are revoked, %d assigned", revoked, assigned)
	}
}
