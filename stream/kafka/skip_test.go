package kafka

import (
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// skipIsRead has the client go on at the end of its partitions, instead of where it was set to: before anything was
// committed, and after.
func skipIsRead(t *testing.T, b *broker) {
	log := &lines{}
	b.cfg.Log = log.logger()
	b.send(0, 20, 0)
	l := b.open("a")
	b.whole(l)
	misled := func(n int) []pipeline.Message {
		t.Helper()
		l.epoch.raise()
		if ok, err := l.ready(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		ends, err := l.consumer.Assignment()
		b.must(err)
		for i := range ends {
			ends[i].Offset = kafka.OffsetEnd
		}
		_, err = l.seek(t.Context(), ends)
		b.must(err)
		return b.poll(l, n)
	}
	b.must(b.commit(l, misled(20)[:7]))
	b.must(b.commit(l, misled(13)))
	if n := log.count(t, "WARN", "had passed over messages"); n != 4 {
		t.Errorf("the log says so of %d partitions, want 2, twice", n)
	}
	b.wrote(numbered(0, 20))
}
