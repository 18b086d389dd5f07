package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// broker is a topic to read and one to write, for one test.
type broker struct {
	t          *testing.T
	topic, out string
	cfg        Config
}

func (b *broker) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *broker) apply(want ...topics.Topic) (changes int) {
	b.t.Helper()
	admin, err := NewAdmin(b.cfg)
	b.must(err)
	defer admin.Close()
	plan, err := topics.Plan(b.t.Context(), admin, want)
	b.must(err)
	b.must(topics.Apply(b.t.Context(), admin, plan, func(topics.Change) {}))
	return len(plan)
}

// send writes messages named from first on; a name is its key, too.
func (b *broker) send(first, n, size int) {
	b.t.Helper()
	p, err := NewProducer(b.cfg)
	b.must(err)
	defer p.Close()
	for i := first; i < first+n; i++ {
		name := fmt.Sprintf("m%04d", i)
		b.must(p.Send(b.t.Context(), pipeline.Record{Topic: b.topic, Key: []byte(name),
			Value:   []byte(name + strings.Repeat(" ", size)),
			Headers: []pipeline.Header{{Name: pipeline.HeaderReplays, Value: []byte("2")}}}))
	}
	b.must(p.Flush(b.t.Context()))
}

func (b *broker) open(instance string) *Session {
	b.t.Helper()
	l, err := OpenSession(b.t.Context(), SessionConfig{Config: b.cfg, Topic: b.topic, Group: "g-" + b.topic,
		Instance: instance, Timeout: 6 * time.Second})
	b.must(err)
	b.t.Cleanup(func() { b.close(l) })
	return l
}

// close leaves the group; the second time it does nothing.
func (b *broker) close(l *Session) {
	if l.consumer != nil {
		if err := l.Close(); err != nil {
			b.t.Error(err)
		}
		l.consumer = nil
	}
}

// leave has a member leave for good: Kafka would keep its place for it.
func (b *broker) leave(l *Session) {
	b.t.Helper()
	b.close(l)
	b.throwOut(l.cfg.Group, l.cfg.Instance)
}

func names(messages []pipeline.Message) (out []string) {
	for i := range messages {
		out = append(out, strings.TrimSpace(string(messages[i].Value)))
	}
	slices.Sort(out)
	return out
}

func numbered(first, n int) (out []string) {
	for i := first; i < first+n; i++ {
		out = append(out, fmt.Sprintf("m%04d", i))
	}
	return out
}

// pollOnce polls once.
func pollOnce(s *Session, ctx context.Context, limit int, wait time.Duration) ([]pipeline.Message, error) {
	polled, err := s.Poll(ctx, limit, wait)
	return polled.Messages, err
}

// poll waits until so many messages have come, and no more than that.
func (b *broker) poll(l *Session, n int) (all []pipeline.Message) {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); len(all) < n; {
		if time.Now().After(deadline) {
			b.t.Fatalf("after a minute %d of %d messages came%s", len(all), n, b.stateOf(l, all))
		}
		some, err := pollOnce(l, b.t.Context(), n-len(all), 50*time.Millisecond)
		b.must(err)
		all = append(all, some...)
	}
	return all
}

// stateOf says which messages came to a member, where it is, and what is committed.
func (b *broker) stateOf(l *Session, came []pipeline.Message) string {
	var text strings.Builder
	for i := range came {
		m := &came[i]
		fmt.Fprintf(&text, "\npartition %d, offset %d, epoch %d: %s", m.Partition, m.Offset, m.Epoch, m.Value)
	}
	assigned, err := l.consumer.Assignment()
	at, positionErr := l.consumer.Position(assigned)
	committed, committedErr := l.consumer.Committed(assigned, int(time.Minute.Milliseconds()))
	fmt.Fprintf(&text, "\nassigned %v, at %v, committed %v, paused %t, errors %v\nwritten %q", assigned, at, committed,
		l.paused, errors.Join(err, positionErr, committedErr), b.written(0))
	return text.String()
}

func (b *broker) commit(l *Session, messages []pipeline.Message) error {
	records := make([]pipeline.Record, len(messages))
	for i := range messages {
		name := []byte(strings.TrimSpace(string(messages[i].Value)))
		records[i] = pipeline.Record{Topic: b.out, Key: name, Value: name}
	}
	return l.Commit(b.t.Context(), records, messages)
}

// written reads what is committed, in the order of each partition, until all that is wanted came and nothing follows.
func (b *broker) written(want int) (out []string) {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cfg.Brokers), kgo.ConsumeTopics(b.out),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	b.must(err)
	defer client.Close()
	for {
		wait := time.Minute
		if len(out) >= want {
			wait = 300 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(b.t.Context(), wait)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 && ctx.Err() != nil {
			return out
		}
		fetches.EachRecord(func(r *kgo.Record) { out = append(out, string(r.Value)) })
	}
}

// wrote checks that exactly these names are committed, each once.
func (b *broker) wrote(want []string) {
	b.t.Helper()
	if got := b.written(len(want)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		b.t.Errorf("committed are %d messages, want %d: %q", len(got), len(want), got)
	}
}

// visit has another member join and leave, while the first one goes on as work tells; nil for one that polls elsewhere.
func (b *broker) visit(work func() error) {
	b.t.Helper()
	came, left := make(chan struct{}), make(chan error, 1)
	go func() {
		guest, err := OpenSession(b.t.Context(), SessionConfig{Config: b.cfg, Topic: b.topic, Group: "g-" + b.topic,
			Instance: "guest"})
		if err != nil {
			left <- err
			return
		}
		for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); {
			assigned, _ := guest.consumer.Assignment()
			if len(assigned) > 0 {
				close(came)
				break
			}
			_, err = pollOnce(guest, b.t.Context(), 1, 10*time.Millisecond)
		}
		err = errors.Join(err, guest.Close())
		b.throwOut("g-"+b.topic, "guest") // Kafka would keep its place for it
		left <- err
	}()
	var done error
	for here := work != nil; here; {
		select {
		case done = <-left:
			here, left = false, nil
		default:
			b.must(work())
		}
	}
	if left != nil {
		done = <-left
	}
	b.must(done)
	select {
	case <-came:
	default:
		b.t.Fatal("the other member got no partition")
	}
}

// whole keeps a member in the group until all partitions are its own again.
func (b *broker) whole(l *Session) {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		assigned, err := l.consumer.Assignment()
		b.must(err)
		if len(assigned) == 2 {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatal("the partitions did not come back")
		}
		b.must(l.KeepAlive(b.t.Context()))
	}
}
