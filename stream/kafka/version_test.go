package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// What the suite asks of versions: they follow the log, whatever clocks, members and rebalances do.

// client is another one than ours, for what ours does not do.
func (b *broker) client(opts ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.cfg.Brokers),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	b.must(err)
	b.t.Cleanup(c.Close)
	return c
}

// sendAt writes messages to partition 0 with times of their own.
func (b *broker) sendAt(times ...time.Time) {
	b.t.Helper()
	records := make([]*kgo.Record, len(times))
	for i, at := range times {
		records[i] = &kgo.Record{Topic: b.topic, Value: fmt.Appendf(nil, "at %s", at), Timestamp: at}
	}
	b.must(b.client().ProduceSync(b.t.Context(), records...).FirstErr())
}

// openAt is a member with a clock that is off by so much.
func (b *broker) openAt(instance string, off time.Duration) *Session {
	b.t.Helper()
	l, err := OpenSession(b.t.Context(), SessionConfig{Config: b.cfg, Topic: b.topic, Group: "g-" + b.topic,
		Instance: instance, Now: func() time.Time { return time.Now().Add(off) }})
	b.must(err)
	b.t.Cleanup(func() { b.close(l) })
	return l
}

func versions(messages []pipeline.Message) (out []int64) {
	slices.SortFunc(messages, func(a, b pipeline.Message) int { return int(a.Offset - b.Offset) })
	for i := range messages {
		out = append(out, messages[i].Version)
	}
	return out
}

// rise fails unless each version is above the one before it.
func (b *broker) rise(what string, versions []int64) {
	b.t.Helper()
	for i := 1; i < len(versions); i++ {
		if versions[i] <= versions[i-1] {
			b.t.Errorf("%s: version %d follows %d", what, versions[i], versions[i-1])
		}
	}
}

// versionFollowsLog has producers whose clocks go back and ahead, and members whose clocks are off, one after the
// other.
func versionFollowsLog(t *testing.T, b *broker) {
	now := time.Now()
	b.sendAt(now, now.Add(-time.Hour), now.Add(30*time.Minute), now.Add(-2*time.Hour), now)
	first := b.openAt("a", 0)
	some := b.poll(first, 3)
	ahead := b.poll(first, 2)
	b.must(b.commit(first, some))
	first.epoch.raise()
	if err := b.commit(first, ahead); !errors.Is(err, pipeline.ErrAborted) {
		t.Fatalf("%v", err)
	}
	again := b.poll(first, 2)
	if got, want := versions(again), versions(ahead); !slices.Equal(got, want) {
		t.Errorf("delivered again the versions are %d, and were %d", got, want)
	}
	all := slices.Concat(versions(some), versions(again))
	if limit := time.Now().UnixMicro(); all[len(all)-1] > limit {
		t.Errorf("a producer of the future leads to version %d, now is %d", all[len(all)-1], limit)
	}
	b.must(b.commit(first, again))
	b.leave(first)
	for i, off := range []time.Duration{-time.Hour, time.Hour, -time.Hour} {
		b.sendAt(now, now.Add(30*time.Minute))
		next := b.openAt(fmt.Sprint("b", i), off)
		more := b.poll(next, 2)
		all = append(all, versions(more)...)
		b.must(b.commit(next, more))
		b.leave(next)
	}
	b.rise("over members", all)
}

const ofBroker = "versions are of the broker's clock where the topic has it"

// versionIsOfBroker has a topic that notes when a message came: no clock of ours counts, and the producer's time is
// kept for the delay.
func versionIsOfBroker(t *testing.T, b *broker) {
	b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1,
		Config: map[string]string{"message.timestamp.type": "LogAppendTime"}})
	start := time.Now().Add(-time.Second)
	b.sendAt(start.Add(-24*time.Hour), start.Add(24*time.Hour))
	member := b.openAt("a", -24*time.Hour)
	messages := b.poll(member, 2)
	for i, v := range versions(messages) {
		if at := time.UnixMicro(v); at.Before(start) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("message %d is of %s", i, at)
		}
	}
	b.must(b.commit(member, messages))
	b.must(b.client().ProduceSync(t.Context(), &kgo.Record{Topic: b.topic, Value: []byte("x"), Headers: []kgo.RecordHeader{
		{Key: pipeline.HeaderTime, Value: fmt.Append(nil, start.Add(-time.Minute).UnixMicro())},
		{Key: pipeline.HeaderVersion, Value: []byte("4711")}}}).FirstErr())
	m := b.poll(member, 1)[0]
	if m.Time.UnixMicro() != start.Add(-time.Minute).UnixMicro() || m.Version != 4711 ||
		m.LogVersion <= messages[1].LogVersion {
		t.Errorf("a replay: %+v", m)
	}
	b.must(b.commit(member, []pipeline.Message{m}))
	b.leave(member)
	b.send(0, 1, 0)
	b.sendAt(start)
	member = b.openAt("b", 0)
	for _, after := range b.poll(member, 2) {
		if after.Partition == 0 && after.Version <= m.LogVersion || after.Time.IsZero() {
			t.Errorf("after a replay at %d: %+v", m.LogVersion, after)
		}
	}
}

// metadataOfOthers ignores what it does not know at a committed offset.
func metadataOfOthers(t *testing.T, b *broker) {
	b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1,
		Config: map[string]string{"message.timestamp.type": "LogAppendTime"}})
	now := time.Now()
	b.sendAt(now, now, now, now)
	admin := kadm.NewClient(b.client())
	for i, text := range []string{"2:17", "1:1000000000000000000"} {
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: b.topic, Partition: 0, At: 2, LeaderEpoch: -1, Metadata: text})
		b.must(admin.CommitAllOffsets(t.Context(), "g-"+b.topic, offsets))
		member := b.openAt(fmt.Sprint("m", i), 0)
		got := versions(b.poll(member, 2))
		b.rise(text, got)
		if known := got[0] == 1e18+1; known != (i == 1) {
			t.Errorf("after %q the versions are %d", text, got)
		}
		b.leave(member)
	}
}

// topicHasName makes a topic again: it is another one.
func topicHasName(t *testing.T, b *broker) {
	logOf := func(instance string) string {
		b.sendAt(time.Now())
		member := b.openAt(instance, 0)
		defer b.leave(member)
		return b.poll(member, 1)[0].LogID
	}
	first := logOf("a")
	if same := logOf("b"); same != first {
		t.Errorf("%q and %q", first, same)
	}
	cluster, topic, ok := strings.Cut(first, "/")
	if !ok || cluster == "" || len(topic) < 20 {
		t.Errorf("%q", first)
	}
	admin := kadm.NewClient(b.client())
	_, err := admin.DeleteTopics(t.Context(), b.topic)
	b.must(err)
	for deadline := time.Now().Add(time.Minute); ; {
		found, err := admin.ListTopics(t.Context(), b.topic)
		b.must(err)
		if !found.Has(b.topic) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the topic is still there")
		}
	}
	b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1})
	other := logOf("c")
	if again, _, _ := strings.Cut(other, "/"); other == first || again != cluster {
		t.Errorf("the topic was %q and is %q", first, other)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for _, last := range []int64{0, 1, 1764118577123456} {
		if got, err := unpackMetadata(packMetadata(last)); got != last || err != nil {
			t.Errorf("%d became %d, %v", last, got, err)
		}
	}
	for _, text := range []string{"a note of somebody", "2:17", "1:", "1:-5", "1:99999999999999999999"} {
		if last, err := unpackMetadata(text); last != 0 || err == nil {
			t.Errorf("%q is %d", text, last)
		}
	}
	if last, err := unpackMetadata(""); last != 0 || err != nil {
		t.Errorf("none is %d, %v", last, err)
	}
	if packMetadata(7) != "1:7" { // it stands in brokers
		t.Error(packMetadata(7))
	}
}
