package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// hangIsReplaced has a step of a transaction never end, and another fail for too long. Each time a new producer takes
// over, and what the old one wrote is not committed.
func hangIsReplaced(t *testing.T, b *broker) {
	b.send(0, 10, 0)
	l := b.open("a")
	never := make(chan struct{})
	for name, step := range map[string]func(context.Context) error{
		"it does not end":   func(context.Context) error { <-never; return nil },
		"it never succeeds": func(context.Context) error { return kafka.NewError(kafka.ErrTimedOut, "timed out", false) },
	} {
		held := b.poll(l, 10)
		old := l.producer
		b.must(old.BeginTransaction())
		b.must(l.write(t.Context(), []pipeline.Record{{Topic: b.out, Value: []byte("of the old producer")}}))
		l.limits = limits{try: 20 * time.Millisecond, step: 50 * time.Millisecond}
		err := l.attempt(t.Context(), "commit", step)
		l.limits = defaultLimits
		if !hangs(err) {
			t.Fatalf("%s: %v", name, err)
		}
		if err := l.abort(t.Context(), err); !errors.Is(err, pipeline.ErrAborted) || l.producer == old {
			t.Fatalf("%s: %v, the producer is the old one: %v", name, err, l.producer == old)
		}
		if err := b.commit(l, held); !errors.Is(err, pipeline.ErrAborted) {
			t.Fatalf("%s: messages of before the abort: %v", name, err)
		}
	}
	b.must(b.commit(l, b.poll(l, 10)))
	close(never)
	b.wrote(numbered(0, 10))
}
