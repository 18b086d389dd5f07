package kafka

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
)

// scanIsCommitted reads what is committed, in pinned partitions, up to what was there when it was asked; an open
// transaction is waited for.
func scanIsCommitted(t *testing.T, b *broker) {
	b.send(0, 6, 0)
	l := b.open("a")
	read := b.poll(l, 6)
	write := func(done []pipeline.Message) {
		var records []pipeline.Record
		for i := range done {
			records = append(records, pipeline.Record{Topic: b.out, Pinned: true, Partition: int32(i % 2), Key: done[i].Key,
				Value: fmt.Append(nil, done[i].Offset), Headers: []pipeline.Header{{Name: "n", Value: []byte("v")}}})
		}
		b.must(l.Commit(t.Context(), records, done))
	}
	s, err := OpenScanner(b.cfg, b.out)
	b.must(err)
	defer func() { _ = s.Close() }() // it only read
	all := map[int32]time.Time{0: {}, 1: {}}
	scan := func(since map[int32]time.Time) (found []string) {
		t.Helper()
		spans, err := s.Spans(t.Context(), since)
		b.must(err)
		b.must(s.Scan(t.Context(), spans, func(m *pipeline.Message) error {
			found = append(found, fmt.Sprintf("%d %s %s %s", m.Partition, m.Key, m.Value, m.Headers[0].Value))
			return nil
		}))
		slices.Sort(found)
		return found
	}
	if got := scan(all); len(got) != 0 {
		t.Errorf("an empty topic holds %q", got)
	}
	write(read[:4])
	var want []string
	for i, m := range read[:4] {
		want = append(want, fmt.Sprintf("%d %s %d v", i%2, m.Key, m.Offset))
	}
	slices.Sort(want)
	if got := scan(all); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := scan(map[int32]time.Time{1: {}}); !slices.Equal(got, want[2:]) {
		t.Errorf("partition 1: %q, want %q", got, want[2:])
	}
	if got := scan(map[int32]time.Time{0: time.Now().Add(time.Hour)}); len(got) != 0 {
		t.Errorf("of the future: %q", got)
	}
	open, err := kgo.NewClient(kgo.SeedBrokers(b.cfg.Brokers), kgo.TransactionalID("open-"+b.out),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	b.must(err)
	defer open.Close()
	b.must(open.BeginTransaction())
	b.must(open.ProduceSync(t.Context(), &kgo.Record{Topic: b.out, Partition: 0, Key: []byte("open"), Value: []byte("0"),
		Headers: []kgo.RecordHeader{{Key: "n", Value: []byte("v")}}}).FirstErr())
	spans, err := s.Spans(t.Context(), all)
	b.must(err)
	ended := make(chan error, 1)
	go func() { ended <- open.EndTransaction(t.Context(), kgo.TryCommit) }()
	seen := false
	b.must(s.Scan(t.Context(), spans, func(m *pipeline.Message) error {
		seen = seen || string(m.Key) == "open"
		return nil
	}))
	if b.must(<-ended); !seen {
		t.Error("the scan did not wait for the open transaction")
	}
	if _, err := s.Spans(t.Context(), map[int32]time.Time{9: {}}); fault.ExitCode(err) != fault.ExitUnavailable {
		t.Errorf("a partition that does not exist: exit %d, %v", fault.ExitCode(err), err)
	}
}
