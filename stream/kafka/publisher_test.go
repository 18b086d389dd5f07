package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// publisherServes has many callers publish at once: each learns what became of its own messages, and a message that the
// broker refuses, a missing topic, and a client that can do nothing more harm nobody else.
func publisherServes(t *testing.T, b *broker) {
	p, err := NewPublisher(b.cfg, time.Minute)
	b.must(err)
	defer func() { // a message of the missing topic still waits
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
	}()
	b.must(p.Check(t.Context(), b.topic, b.out))
	if err := p.Check(t.Context(), b.topic, "not-there"); !errors.Is(err, topics.ErrMissing) {
		t.Errorf("a missing topic: %v", err)
	}
	const callers, each = 8, 50
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			records := make([]pipeline.Record, each)
			for i := range records {
				name := fmt.Appendf(nil, "m%04d", caller*each+i)
				records[i] = pipeline.Record{Topic: b.topic, Key: name, Value: name,
					Headers: []pipeline.Header{{Name: "h", Value: name}}}
			}
			for i, err := range p.Publish(t.Context(), records) {
				if err != nil {
					t.Errorf("message %d of %d: %v", i, caller, err)
				}
			}
		})
	}
	wg.Wait()
	if got := b.poll(b.open("reader"), callers*each); len(got) != callers*each ||
		string(got[0].Headers[0].Value) != string(got[0].Value) {
		t.Errorf("%d messages came, the first with the headers %q", len(got), got[0].Headers)
	}
	errs := p.Publish(t.Context(), []pipeline.Record{{Topic: b.topic, Value: []byte("x")}, {Topic: b.topic,
		Value: make([]byte, 2<<20)}})
	if errs[0] != nil || fault.ExitCode(errs[1]) != fault.ExitData {
		t.Errorf("of a message that is too large: %v", errs)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	errs = p.Publish(short, []pipeline.Record{{Topic: "not-there", Value: []byte("x")}})
	if fault.ExitCode(errs[0]) != fault.ExitTryAgain {
		t.Errorf("of a topic that is missing: %v", errs)
	}
	if errs := p.Publish(t.Context(), nil); len(errs) != 0 {
		t.Errorf("of nothing: %v", errs)
	}
}

// publisherIsReplaced breaks the client for good: the next messages go through another one.
func publisherIsReplaced(t *testing.T, b *broker) {
	p, err := NewPublisher(b.cfg, time.Minute)
	b.must(err)
	send := func(name string) error {
		return p.Publish(t.Context(), []pipeline.Record{{Topic: b.topic, Key: []byte(name), Value: []byte(name)}})[0]
	}
	b.must(send("m0000"))
	p.mu.RLock()
	p.client.TestFatalError(kafka.ErrOutOfOrderSequenceNumber, "for the test")
	p.mu.RUnlock()
	for deadline := time.Now().Add(time.Minute); send("m0001") != nil; {
		if time.Now().After(deadline) {
			t.Fatal("after a minute no message goes through")
		}
		<-time.After(10 * time.Millisecond)
	}
	b.poll(b.open("reader"), 2)
	p.Close(t.Context())
	if err := send("m0002"); !errors.Is(err, errClosed) {
		t.Errorf("after the end: %v", err)
	}
}
