package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// isReplaced checks the error of a member whose name another process has taken over.
func (b *broker) isReplaced(err error, by *Session) {
	b.t.Helper()
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	if fault.ExitCode(err) != fault.ExitUsage || errors.Is(err, pipeline.ErrAborted) ||
		!strings.Contains(fault.Hint(err), "--instance") ||
		!says(by.client+" at 127.0.0.1") && !says("Kafka does not tell where") {
		b.t.Fatalf("a member that was replaced by %s says (exit %d) %v", by.client, fault.ExitCode(err), err)
	}
}

func newerTakesOver(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	old := b.open("a")
	held := b.poll(old, 10)
	producer := old.producer
	var seen lines
	b.cfg.Log = seen.logger()
	young := b.open("a") // the same name: a restart, seen from the broker
	all := b.poll(young, 10)
	for range 2 {
		b.isReplaced(b.commit(old, held), young)
	}
	if logged := seen.count(t, "INFO", old.client); logged != 1 && !strings.Contains(b.commit(old, held).Error(),
		young.client) {
		t.Error("neither member tells of the other")
	}
	if old.producer != producer {
		b.t.Error("the older member has another producer, which fences the younger")
	}
	b.wrote(nil)
	b.must(b.commit(young, all))
	b.close(old)
	b.send(10, 10, 0)
	b.must(b.commit(young, b.poll(young, 10)))
	b.wrote(numbered(0, 20))
}

func olderIsIdle(t *testing.T, b *broker) {
	old := b.open("a")
	b.send(0, 1, 0)
	b.must(b.commit(old, b.poll(old, 1)))
	young := b.open("a")
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				done <- nil
				return
			default:
				_, err = pollOnce(young, t.Context(), 1, time.Millisecond)
			}
		}
		done <- err
	}()
	var err error
	for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); {
		_, err = pollOnce(old, t.Context(), 1, time.Millisecond)
	}
	close(stop)
	b.must(<-done)
	b.isReplaced(err, young)
}

// tookTooLong has the broker fence the producer of a member that is the only one of its name, as it does when a
// transaction takes longer than its timeout.
func tookTooLong(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	held := b.poll(l, 10)
	other, err := kafka.NewProducer(b.cfg.with(l.report, kafka.ConfigMap{"transactional.id": l.cfg.Group + ".a"}))
	b.must(err)
	defer other.Close()
	b.must(other.InitTransactions(t.Context()))
	if err := b.commit(l, held); !errors.Is(err, pipeline.ErrAborted) {
		t.Fatalf("the commit with a fenced producer says %v", err)
	}
	b.must(b.commit(l, b.poll(l, 10)))
	b.wrote(numbered(0, 10))
}

// restartMovesNothing restarts one of two members: the other learns nothing of it.
func restartMovesNothing(t *testing.T, b *broker) {
	var seen lines
	open := func(instance string) *Session {
		cfg := b.cfg
		if instance == "other" {
			cfg.Log = seen.logger()
		}
		l, err := OpenSession(t.Context(), SessionConfig{Config: cfg, Topic: b.topic, Group: "g-" + b.topic,
			Instance: instance, Timeout: time.Minute})
		b.must(err)
		t.Cleanup(func() { b.close(l) })
		return l
	}
	a, other := open("a"), open("other")
	halves := func() (mine, its []int32) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); len(mine) != 1 || len(its) != 1; {
			if time.Now().After(deadline) {
				t.Fatalf("two members have partitions %v and %v", mine, its)
			}
			for _, l := range []*Session{a, other} {
				_, err := pollOnce(l, t.Context(), 1, time.Millisecond)
				b.must(err)
			}
			first, err := a.consumer.Assignment()
			b.must(err)
			second, err := other.consumer.Assignment()
			b.must(err)
			mine, its = numbers(first), numbers(second)
		}
		return mine, its
	}
	before, _ := halves()
	moves := seen.count(t, "INFO", `"partitions":[`) - seen.count(t, "INFO", `"partitions":[]`)
	for range 2 {
		b.close(a)
		a = open("a")
		if after, _ := halves(); !slices.Equal(after, before) {
			t.Errorf("it had partitions %v and has %v", before, after)
		}
	}
	if n := seen.count(t, "INFO", `"partitions":[`) - seen.count(t, "INFO", `"partitions":[]`); n != moves {
		t.Errorf("the other member was assigned partitions %d times more", n-moves)
	}
}

// topicIsMissing starts a member before its topic is there, deletes the topic while it runs, and makes it again.
func topicIsMissing(t *testing.T, b *broker) {
	var seen lines
	b.cfg.Log = seen.logger()
	b.topic = "late-" + b.topic
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cfg.Brokers))
	b.must(err)
	defer client.Close()
	l := b.open("a")
	missing := func() {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; {
			some, err := pollOnce(l, t.Context(), 1, time.Millisecond)
			b.must(err)
			if len(some) > 0 {
				t.Fatalf("messages of no topic: %q", names(some))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err = l.Lag(ctx)
			cancel()
			if errors.Is(err, topics.ErrMissing) && seen.count(t, "WARN", "a topic is missing") > 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("with no topic the lag says %v", err)
			}
		}
	}
	for range 2 {
		missing()
		b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1})
		b.send(0, 10, 0)
		b.must(b.commit(l, b.poll(l, 10)))
		_, err = kadm.NewClient(client).DeleteTopic(t.Context(), b.topic)
		b.must(err)
	}
	b.wrote(slices.Sorted(slices.Values(slices.Concat(numbered(0, 10), numbered(0, 10)))))
}

// abortsAreWaitedAfter aborts one transaction after the other: no message comes again before its time.
func abortsAreWaitedAfter(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	var held []pipeline.Message
	for i := range 4 {
		held = append(held, b.poll(l, 10-len(held))...)
		began := time.Now()
		tooLarge := []pipeline.Record{{Topic: b.out, Value: make([]byte, 2<<20)}}
		if err := l.Commit(t.Context(), tooLarge, held); !errors.Is(err, pipeline.ErrAborted) {
			t.Fatal(err)
		}
		asked := time.Now()
		total, left, cause := l.Aborts()
		if total != int64(i)+1 || left+time.Since(began) <= backoffFirst<<i/4 || cause == nil {
			t.Fatalf("abort %d: %d, %s, %v", i, total, left, cause)
		}
		for held = nil; len(held) == 0 && left > 0; _, left, _ = l.Aborts() { // messages may come with the end of the wait
			var err error
			held, err = pollOnce(l, t.Context(), 10, time.Millisecond)
			b.must(err)
			if early := left - time.Since(asked); len(held) > 0 && early > 0 {
				t.Fatalf("abort %d: %d messages come %s early", i, len(held), early)
			}
			asked = time.Now()
		}
	}
	b.must(b.commit(l, append(held, b.poll(l, 10-len(held))...)))
	if total, left, cause := l.Aborts(); total != 4 || left != 0 || cause != nil {
		t.Errorf("after a commit: %d, %s, %v", total, left, cause)
	}
	b.wrote(numbered(0, 10))
}

// fencedByNobody has another join by a member's name and vanish at once, as a member's own join does whose answer is
// lost.
func fencedByNobody(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	old := b.open("a")
	b.poll(old, 10)
	ghost := b.client(kgo.ConsumerGroup("g-"+b.topic), kgo.ConsumeTopics(b.topic), kgo.InstanceID("a"),
		kgo.ClientID(old.client),
		kgo.SessionTimeout(6*time.Second), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ghost.PollRecords(ctx, 1)
	ghost.CloseAllowingRebalance() // a static member keeps its place until its session is over
	var err error
	for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); {
		_, err = pollOnce(old, t.Context(), 1, time.Millisecond)
	}
	if !errors.Is(err, ErrLost) || fault.ExitCode(err) != fault.ExitTryAgain {
		t.Fatalf("it says (exit %d) %v", fault.ExitCode(err), err)
	}
	b.close(old)
	again := b.open("a")
	b.must(b.commit(again, b.poll(again, 10)))
	b.wrote(numbered(0, 10))
}
