package stream

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// identity is the key of a message and its headers but for those that a replay sets.
func identity(r *kgo.Record) string {
	headers := slices.DeleteFunc(slices.Clone(r.Headers), func(h kgo.RecordHeader) bool {
		return h.Key == pipeline.HeaderReplays || h.Key == pipeline.HeaderVersion || h.Key == pipeline.HeaderTime
	})
	text := fmt.Sprintf("key %q", r.Key)
	if r.Key == nil {
		text = "no key"
	}
	for _, h := range headers {
		if text += fmt.Sprintf(" %q:", h.Key); h.Value == nil {
			text += "null"
		} else {
			text += fmt.Sprintf("%q", h.Value)
		}
	}
	return text
}

// TestAReplayIsTheMessageItself sends bad messages with odd keys and headers, and replays their dead letters twice:
// each time the messages come back to their topic with the same keys and headers in the same order. One whose headers
// are too large to be kept stays where it is.
func TestAReplayIsTheMessageItself(t *testing.T) {
	b := newLiveBench(t)
	var many []kgo.RecordHeader
	for i := range 2000 {
		many = append(many, kgo.RecordHeader{Key: fmt.Sprint("h", i%7), Value: []byte{byte(i), 0}})
	}
	sent := []*kgo.Record{
		{Key: nil},
		{Key: []byte{}, Headers: []kgo.RecordHeader{{Key: "", Value: []byte{}}, {Key: "none"}}},
		{Key: []byte("\x00\xff\n"), Headers: []kgo.RecordHeader{{Key: "binary", Value: []byte("\x00\xff\xfe")}}},
		{Key: []byte("another id"), Headers: []kgo.RecordHeader{{Key: "é漢", Value: []byte("2")},
			{Key: "a", Value: []byte("1")},
			{Key: "é漢", Value: []byte("1")}, {Key: "traceparent", Value: []byte("no trace")}}},
		{Key: bytes.Repeat([]byte("k"), 10_000), Headers: many},
		{Key: []byte("traced"), Headers: []kgo.RecordHeader{{Key: "before"}, {Key: "traceparent",
			Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}, {Key: "after"}}},
		{Key: []byte("large"), Headers: []kgo.RecordHeader{{Key: "h", Value: bytes.Repeat([]byte("x"), 600<<10)}}},
	}
	large := len(sent) - 1
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers), kgo.ProducerBatchCompression(kgo.NoCompression()))
	harness.Must(t, err)
	defer client.Close()
	for i, r := range sent {
		r.Topic, r.Value = topics.Raw, fmt.Appendf(nil, `{"id":"%d","amount":"x"}`, i)
		harness.Must(t, client.ProduceSync(t.Context(), r).FirstErr())
	}
	b.Member("a")
	for round := range 2 {
		n := len(sent) + round*large
		b.Reaches("dead letters are in the table", n, func() int { return b.Count("SELECT count() FROM dead_letters FINAL") })
		text := b.OK("dlq", "replay").Stdout.String()
		if !strings.Contains(text, fmt.Sprintf(`"in":%d`, large)) {
			t.Fatalf("round %d: dlq replay says %s", round, text)
		}
	}
	came := map[string][]string{}
	for _, r := range b.read(topics.Raw).records {
		came[string(r.Value)] = append(came[string(r.Value)], identity(r))
	}
	for i, r := range sent {
		want := []string{identity(r), identity(r), identity(r)}
		if i == large {
			want = want[:1]
		}
		if got := came[string(r.Value)]; !slices.Equal(got, want) {
			t.Errorf("message %d came as\n%.2000q\nwant\n%.2000q", i, got, want)
		}
	}
	if got := b.SQL("SELECT code, length(raw), key IS NULL, headers FROM dead_letters FINAL WHERE state = 'open' AND " +
		"code = 'message_too_large'"); got != "message_too_large\t0\t1\t[]" {
		t.Errorf("what is too large is %s", got)
	}
	position := b.SQL("SELECT concat(toString(partition), ' ', toString(position)) FROM dead_letters FINAL WHERE key = " +
		"'another id' LIMIT 1")
	shown := b.OK(append([]string{"dlq", "show", topics.Raw}, strings.Fields(position)...)...).Stdout.String()
	for _, want := range []string{"key         another id\n", "header      é漢: 2\n",
		"header      traceparent: no trace\n"} {
		if !strings.Contains(shown, want) {
			t.Errorf("dlq show lacks %q:\n%s", want, shown)
		}
	}
}
