package kafka

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A member whose transactions are aborted one after the other would poll, ask the ML API and abort in a hot loop.
const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 10 * time.Second
)

// backoff is how long a member waits after aborted transactions: twice as long after each, up to backoffMost, and of
// that a random part between the half and all, so that members do not try again together.
type backoff struct {
	now    func() time.Time
	random func() float64 // from 0 to below 1

	mu    sync.Mutex
	total int64     // aborted transactions in all
	row   int       // of them since the last commit
	until time.Time // the wait ends
	cause error     // of the last one
}

func newBackoff() *backoff { return &backoff{now: time.Now, random: rand.Float64} }

// aborted notes that a transaction was aborted.
func (b *backoff) aborted(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := backoffMost
	if b.row < 16 { // far above the shift that reaches the cap
		wait = min(backoffFirst<<b.row, backoffMost)
	}
	b.total, b.row, b.cause = b.total+1, b.row+1, cause
	b.until = b.now().Add(wait/2 + time.Duration(b.random()*float64(wait/2)))
}

// committed notes that a transaction was committed.
func (b *backoff) committed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row, b.cause, b.until = 0, nil, time.Time{}
}

// state returns how many transactions were aborted so far, how long is still to be waited, and the cause of the last
// abort; nil after a commit.
func (b *backoff) state() (total int64, left time.Duration, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total, max(b.until.Sub(b.now()), 0), b.cause
}
