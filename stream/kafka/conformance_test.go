package kafka

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/internal/kafkaserver/kafkatest"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// TestEmbedded and TestReal run the same suite on both brokers that txflow knows.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	p, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), ClickHouseAddr: "127.0.0.1:0",
		KafkaAddr: "127.0.0.1:0", Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	conformance(t, p.KafkaAddr(), false)
}

func TestReal(t *testing.T) {
	t.Parallel()
	guarded, err := kafkaserver.FreeAddr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const password = "right-1234"
	b := kafkatest.Start(t, &kafkaserver.Door{Listen: guarded, Proxy: guarded, Password: password})
	onlyThoseWithPassword(t, guarded, password)
	conformance(t, b.Addr(), true)
}

// conformance runs the suite; appendTime says that the broker knows LogAppendTime.
func conformance(t *testing.T, brokers string, appendTime bool) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, *broker)
	}{
		{"many publish at once, and each learns of its own messages", publisherServes},
		{"a publisher whose client is broken gets another", publisherIsReplaced},
		{"topics are made once, grow, and never shrink", topicsAreMade},
		{"a poll ends by number, by age and by bytes", pollEnds},
		{"a commit is all or nothing", commitIsWhole},
		{"a producer that died left nothing", diedInTransaction},
		{"of two members of one name the newer takes over and the older ends", newerTakesOver},
		{"an older member without work ends, too", olderIsIdle},
		{"a member that is fenced by nobody who lives is only lost", fencedByNobody},
		{"a producer whose transaction took too long is replaced", tookTooLong},
		{"a producer that hangs is replaced", hangIsReplaced},
		{"a restart moves no partition", restartMovesNothing},
		{"a scan reads what is committed, in the partitions that records are pinned to", scanIsCommitted},
		{"a topic that is missing is waited for", topicIsMissing},
		{"aborted transactions are waited after", abortsAreWaitedAfter},
		{"partitions revoked between poll and commit", takenAwayBeforeCommit},
		{"partitions revoked and given back within one poll", givenBackWithinPoll},
		{"what was polled ahead of a transaction that is aborted comes again", aheadIsDiscarded},
		{"members come and go while one transaction is written and the next one polled", rebalanceWhileWriting},
		{"a long pause loses no message that comes meanwhile", paused},
		{"partitions revoked in a pause are read again when they come back", takenAwayInPause},
		{"a client that goes on at a wrong offset is set to the right one", skipIsRead},
		{"the order of a key is kept", orderOfKey},
		{"versions follow the log, whatever clocks say", versionFollowsLog},
		{ofBroker, versionIsOfBroker},
		{"offsets that retention deleted are a gap", deletedIsGap},
		{"metadata that is unknown is ignored", metadataOfOthers},
		{"a topic that is made again is another one", topicHasName},
		{"a message that the broker refuses is an error", refused},
		{"the offsets of a group are reported", offsetsAreReported},
		{"a member's lag is of what it committed", lagIsOfCommitted},
		{"assignments are reported before their messages", assignmentsAreReported},
	} {
		if c.name == ofBroker && !appendTime {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := &broker{t: t, topic: fmt.Sprintf("in-%d", time.Now().UnixNano()), cfg: Config{Brokers: brokers,
				Log: slog.New(slog.DiscardHandler)}}
			b.out = "out-" + b.topic
			b.apply(topics.Topic{Name: b.topic, Partitions: 2, Replicas: 1}, topics.Topic{Name: b.out, Partitions: 2,
				Replicas: 1})
			c.test(t, b)
		})
	}
}

func topicsAreMade(t *testing.T, b *broker) {
	want := topics.Topic{Name: b.topic + "-new", Partitions: 1, Replicas: 1,
		Config: map[string]string{"retention.ms": "86400000", "cleanup.policy": "delete"}}
	if n := b.apply(want); n != 1 {
		t.Errorf("the first time %d changes", n)
	}
	if n := b.apply(want); n != 0 {
		t.Errorf("the second time %d changes", n)
	}
	want.Partitions, want.Config["retention.ms"] = 3, "3600000"
	if n := b.apply(want); n != 2 {
		t.Errorf("grown and configured in %d changes", n)
	}
	admin, err := NewAdmin(b.cfg)
	b.must(err)
	defer admin.Close()
	if state, err := admin.Topics(t.Context(), []string{want.Name}); err != nil || state[want.Name].Partitions != 3 ||
		state[want.Name].Config["retention.ms"] != "3600000" {
		t.Errorf("%+v %v", state, err)
	}
	want.Partitions = 1
	if _, err := topics.Plan(t.Context(), admin, []topics.Topic{want}); err == nil {
		t.Error("a topic may shrink")
	}
}

func pollEnds(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	some := b.poll(l, 4)
	if m := &some[0]; len(some) != 4 || m.Replays != 2 || m.Topic != b.topic ||
		string(m.Key) != strings.TrimSpace(string(m.Value)) ||
		len(m.Headers) != 2 || m.Headers[0].Name != pipeline.HeaderReplays || m.Headers[1].Name != pipeline.HeaderTime {
		t.Errorf("%+v", some)
	}
	rest := b.poll(l, 6)
	b.must(b.commit(l, slices.Concat(some, rest)))
	b.wrote(numbered(0, 10))
	const large = 600 << 10
	b.send(10, 20, large)
	var first []pipeline.Message
	for deadline := time.Now().Add(time.Minute); len(first) == 0 &&
		time.Now().Before(deadline); { // none yet ends a poll early
		var err error
		first, err = pollOnce(l, t.Context(), 1000, 10*time.Second)
		b.must(err)
	}
	if n := len(first); n < 13 || n > 15 {
		t.Errorf("a poll gives %d messages of %d bytes", n, large)
	}
	if all := slices.Concat(first, b.poll(l, 20-len(first))); !slices.Equal(names(all), numbered(10, 20)) {
		t.Errorf("%q", names(all))
	}
}

func commitIsWhole(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	some := b.poll(l, 6)
	b.must(b.commit(l, some))
	_ = b.poll(l, 4) // not committed: they come again
	b.close(l)
	rest := b.poll(b.open("a"), 4)
	if got := names(slices.Concat(some, rest)); !slices.Equal(got, numbered(0, 10)) {
		t.Errorf("%q", got)
	}
	b.wrote(names(some))
}

func diedInTransaction(_ *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	_ = b.poll(l, 10)
	b.must(l.producer.BeginTransaction())
	b.must(l.write(b.t.Context(), []pipeline.Record{{Topic: b.out, Key: []byte("torn"), Value: []byte("torn")}}))
	l.producer.Flush(10_000)
	b.close(l) // as a kill does: neither commit nor abort
	l = b.open("a")
	b.must(b.commit(l, b.poll(l, 10)))
	b.wrote(numbered(0, 10))
}

func paused(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	held := b.poll(l, 10)
	b.must(l.KeepAlive(t.Context()))
	b.send(10, 10, 0)
	for range 300 {
		b.must(l.KeepAlive(t.Context()))
	}
	b.must(b.commit(l, held))
	b.must(b.commit(l, b.poll(l, 10)))
	b.wrote(numbered(0, 20))
}

func orderOfKey(t *testing.T, b *broker) {
	p, err := NewProducer(b.cfg)
	b.must(err)
	defer p.Close()
	const keys, each = 7, 50
	for i := range keys * each {
		b.must(p.Send(t.Context(), pipeline.Record{Topic: b.topic, Key: fmt.Appendf(nil, "k%d", i%keys),
			Value: fmt.Appendf(nil, "k%d %03d", i%keys, i/keys)}))
	}
	b.must(p.Flush(t.Context()))
	l := b.open("a")
	givenUp := false
	for done := 0; done < keys*each; {
		some := b.poll(l, min(30, keys*each-done))
		records := make([]pipeline.Record, len(some))
		for i := range some {
			key, _, _ := strings.Cut(string(some[i].Value), " ")
			records[i] = pipeline.Record{Topic: b.out, Key: []byte(key), Value: some[i].Value}
		}
		if done == 60 && !givenUp { // one of them is given up and comes again
			l.epoch.raise()
		}
		err := l.Commit(t.Context(), records, some)
		if errors.Is(err, pipeline.ErrAborted) && !givenUp {
			givenUp = true
			continue
		}
		b.must(err)
		done += len(some)
	}
	next := map[string]int{}
	for _, text := range b.written(keys * each) {
		key, number, _ := strings.Cut(text, " ")
		if want := fmt.Sprintf("%03d", next[key]); number != want {
			t.Fatalf("%s: %s follows where %s should", key, number, want)
		}
		next[key]++
	}
	if len(next) != keys {
		t.Errorf("%v", next)
	}
}

func refused(t *testing.T, b *broker) {
	p, err := NewProducer(b.cfg)
	b.must(err)
	defer p.Close()
	err = p.Send(t.Context(), pipeline.Record{Topic: b.topic, Value: make([]byte, 2<<20)})
	if err == nil {
		err = p.Flush(t.Context())
	}
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(strings.ToLower(err.Error()), "large") ||
		p.Acknowledged() != 0 {
		t.Errorf("a message of 2 MiB: exit %d, %v", fault.ExitCode(err), err)
	}
	b.send(0, 3, 0)
	small := b.topic + "-small" // the topic's own limit, which the client learns of when it is too late
	b.apply(topics.Topic{Name: small, Partitions: 1, Replicas: 1,
		Config: map[string]string{"max.message.bytes": "1000"}})
	q, err := NewProducer(b.cfg)
	b.must(err)
	defer q.Close()
	b.must(q.Send(t.Context(), pipeline.Record{Topic: small, Value: []byte("short")}))
	b.must(q.Flush(t.Context()))
	noise := make([]byte, 20_000)
	_, _ = rand.Read(noise)
	b.must(q.Send(t.Context(), pipeline.Record{Topic: small, Value: noise}))
	if err := q.Flush(t.Context()); fault.ExitCode(err) != fault.ExitData || q.Acknowledged() != 1 {
		t.Errorf("a message over the topic's limit: exit %d, %v; %d are acknowledged", fault.ExitCode(err), err,
			q.Acknowledged())
	}
}
