package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txflow/txflow/stream/pipeline"
)

// TestGivenUp does a transaction again that the log gave up, and ends with an error that a further attempt can not
// help.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	l := &memorySession{source: []pipeline.Message{raw(0, "a")},
		commits: []error{fmt.Errorf("%w: lost", pipeline.ErrAborted)}}
	o, err := classifyAll(t, l, &predictor{}, newConfig())
	if err != nil || len(l.written) != 1 || len(o.seen) != 2 || !o.seen[0].Aborted || o.seen[1].Aborted {
		t.Errorf("%v, written %d, %+v", err, len(l.written), o.seen)
	}
	l = &memorySession{source: []pipeline.Message{raw(0, "a")}, commits: []error{broken}}
	if _, err = classifyAll(t, l, &predictor{}, newConfig()); !errors.Is(err, broken) || len(l.written) != 0 {
		t.Errorf("%v, written %d", err, len(l.written))
	}
}

// TestAhead asks for one transaction and polls one more while the one before is written, and no further. Some are
// given up in all places; what is written in the end is whole and in order.
func TestAhead(t *testing.T) {
	t.Parallel()
	givenUp := fmt.Errorf("%w: lost", pipeline.ErrAborted)
	l := &memorySession{writing: make(chan struct{}), commits: []error{nil, givenUp, nil, nil, givenUp, givenUp, nil,
		givenUp}}
	for i := range 1000 {
		l.source = append(l.source, raw(i, "a"))
	}
	go func() {
		for deadline := time.Now().Add(time.Minute); ; {
			l.mu.Lock()
			polled, all := l.next-l.done, l.next == len(l.source)
			l.mu.Unlock()
			if polled == 300 || all || time.Now().After(deadline) {
				break
			}
			<-time.After(time.Millisecond)
		}
		close(l.writing)
	}()
	cfg := newConfig()
	cfg.BatchMessages = 100
	o, err := classifyAll(t, l, &predictor{}, cfg)
	if err != nil || l.ahead != 300 || len(l.written) != 1000 {
		t.Fatalf("%v, %d written, %d ahead", err, len(l.written), l.ahead)
	}
	for i, r := range l.written {
		if !bytes.Contains(r.Value, fmt.Appendf(nil, `"source_id":"%d"`, i)) {
			t.Fatalf("%d is %s", i, r.Value)
		}
	}
	again := 0
	for _, s := range o.seen {
		if s.Aborted {
			again += s.Messages
		}
	}
	if again < 400 || again > 1200 { // four, and at most two after each
		t.Errorf("%d messages came again", again)
	}
}

// TestOutage holds the ML API's answers back: the group hears of us, and no dead letter is made.
func TestOutage(t *testing.T) {
	t.Parallel()
	l := &memorySession{source: []pipeline.Message{raw(0, "a")}, keptAlive: make(chan struct{})}
	p := &predictor{gate: make(chan struct{})}
	go func() {
		<-l.keptAlive
		<-l.keptAlive
		close(p.gate)
	}()
	if o, err := classifyAll(t, l, p, newConfig()); err != nil || len(l.written) != 1 || len(o.seen[0].DeadLetters) != 0 {
		t.Errorf("%v, written %d, %+v", err, len(l.written), o.seen)
	}
}

// TestDrain ends while an answer is awaited: with time it is written, without it nothing is.
func TestDrain(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]int{time.Minute: 1, time.Millisecond: 0} {
		l := &memorySession{source: []pipeline.Message{raw(0, "a")}, keptAlive: make(chan struct{})}
		p := &predictor{gate: make(chan struct{})}
		cfg := newConfig()
		cfg.DrainLimit = limit
		ctx, cancel := context.WithCancel(t.Context())
		l.end = cancel
		go func() {
			<-l.keptAlive
			cancel()
			if want == 1 {
				close(p.gate)
			}
		}()
		if _, err := run(ctx, l, p, cfg); err != nil || len(l.written) != want {
			t.Errorf("with %s: %v, written %d", limit, err, len(l.written))
		}
	}
}
