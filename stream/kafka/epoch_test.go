package kafka

import (
	"errors"
	"testing"

	"github.com/txflow/txflow/stream/pipeline"
)

// TestEpoch refuses messages from before a revocation or an abort, and goes back once, when no commit is running.
func TestEpoch(t *testing.T) {
	t.Parallel()
	var e epoch
	polled := func() []pipeline.Message {
		t.Helper()
		now, ok := e.current()
		if !ok {
			t.Fatal("messages may not be handed out")
		}
		return []pipeline.Message{{Epoch: now}}
	}
	first := polled()
	if err := e.check(first); err != nil {
		t.Fatal(err)
	}
	e.begin()
	e.raise() // during the commit
	if _, ok := e.current(); ok {
		t.Error("messages are handed out before the consumer has gone back")
	}
	if rewind, wait := e.goBack(); rewind || !wait {
		t.Errorf("during a commit: rewind %t, wait %t", rewind, wait)
	}
	e.end()
	if rewind, wait := e.goBack(); !rewind || wait {
		t.Errorf("after the commit: rewind %t, wait %t", rewind, wait)
	}
	if rewind, wait := e.goBack(); rewind || wait {
		t.Errorf("a second time: rewind %t, wait %t", rewind, wait)
	}
	second := polled()
	if err := e.check(append(second, first...)); !errors.Is(err, errOldEpoch) {
		t.Errorf("messages of two epochs: %v", err)
	}
	if err := e.check(second); !errors.Is(err, errOldEpoch) {
		t.Errorf("messages that were refused with older ones, and come again: %v", err)
	}
	if rewind, wait := e.goBack(); !rewind || wait {
		t.Errorf("after that: rewind %t, wait %t", rewind, wait)
	}
	if err := e.check(polled()); err != nil {
		t.Error(err)
	}
}
