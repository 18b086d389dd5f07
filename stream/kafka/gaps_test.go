package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/txflow/txflow/stream/pipeline"
)

// deletedIsGap deletes what a group has not read: with messages after it, and up to the end. Markers of transactions
// are no gap, nor is what was there before the group.
func deletedIsGap(t *testing.T, b *broker) {
	now := time.Now()
	some := func(n int) {
		for range n {
			b.sendAt(now)
		}
	}
	remove := func(before int64) {
		offsets := kadm.Offsets{}
		offsets.AddOffset(b.topic, 0, before, -1)
		deleted, err := kadm.NewClient(b.client()).DeleteRecords(t.Context(), offsets)
		b.must(err)
		b.must(deleted.Error())
	}
	some(10)
	remove(2)
	l := b.open("a")
	first := b.poll(l, 3)
	if first[0].Offset != 2 || first[0].Gap != 0 {
		t.Errorf("before the group: %+v", first[0])
	}
	b.must(b.commit(l, first)) // up to 4
	b.close(l)
	remove(7)
	l = b.open("b")
	read := b.poll(l, 4)
	if g := read[0]; g.Offset != 5 || g.Gap != 2 || g.LogID != first[0].LogID || read[1].Offset != 7 ||
		read[1].Version <= first[2].Version {
		t.Errorf("%+v", read[:2])
	}
	if err := b.commitGaps(l, read); err != nil {
		t.Fatal(err)
	}
	b.close(l)
	some(3)
	remove(13)
	l = b.open("c")
	read = b.poll(l, 1)
	if g := read[0]; g.Offset != 10 || g.Gap != 3 {
		t.Errorf("up to the end: %+v", g)
	}
	b.must(b.commitGaps(l, read))
	b.close(l)
	some(1)
	l = b.open("d")
	if m := b.poll(l, 1)[0]; m.Offset != 13 || m.Gap != 0 {
		t.Errorf("after a gap was committed: %+v", m)
	}
	// Its own results stand between markers.
	r, err := OpenSession(t.Context(), SessionConfig{Config: b.cfg, Topic: b.out, Group: "r-" + b.topic, Instance: "r"})
	b.must(err)
	defer b.close(r)
	for read := 0; read < 7; {
		messages, err := pollOnce(r, t.Context(), 1, 10*time.Millisecond)
		b.must(err)
		for _, m := range messages {
			if m.Gap > 0 {
				t.Errorf("a marker is a gap: %+v", m)
			}
		}
		read += len(messages)
	}
}

func (b *broker) commitGaps(l *Session, messages []pipeline.Message) error {
	return l.Commit(b.t.Context(), []pipeline.Record{{Topic: b.out, Value: []byte("x")},
		{Topic: b.out, Value: []byte("y")}}, messages)
}
