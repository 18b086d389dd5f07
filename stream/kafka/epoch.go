package kafka

import (
	"errors"
	"sync"

	"github.com/txflow/txflow/stream/pipeline"
)

// epoch numbers the times between rebalances and aborts. Revoked partitions and an aborted transaction raise it. Each
// message carries the epoch in which it was polled, and one of an older epoch is not committed: before messages of the
// new epoch are handed out, the consumer goes back to the committed offsets, so that it comes again, here or at another
// member.
//
// The consumer never goes back during a commit: the committed offsets might be those before it, and its messages would
// come again although it succeeds.
type epoch struct {
	mu         sync.Mutex // one goroutine polls while another commits
	now        uint64
	rewind     bool // the consumer has to go back
	committing bool
}

var errOldEpoch = errors.New("partitions were revoked, or a transaction was aborted, since the messages were polled")

// check is an error for messages that must not be committed. All of them come again then: should some of them be of the
// current epoch, it ends.
func (e *epoch) check(messages []pipeline.Message) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := 0
	for i := range messages {
		if messages[i].Epoch != e.now {
			old++
		}
	}
	if old == 0 {
		return nil
	}
	if old < len(messages) {
		e.now, e.rewind = e.now+1, true
	}
	return errOldEpoch
}

// begin starts a commit, which end ends.
func (e *epoch) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.committing = true
}

func (e *epoch) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.committing = false
}

// raise begins a new epoch.
func (e *epoch) raise() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now, e.rewind = e.now+1, true
}

// current returns the epoch of messages that are handed out now; ok is false when the consumer has to go back before.
func (e *epoch) current() (now uint64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now, !e.rewind
}

// goBack reports whether the consumer has to go back, which it does then; wait is true when a commit must end before.
func (e *epoch) goBack() (rewind, wait bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rewind && e.committing {
		return false, true
	}
	rewind, e.rewind = e.rewind, false
	return rewind, false
}
