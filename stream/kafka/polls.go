package kafka

import (
	"errors"
	"fmt"
	"sync"

	"github.com/txflow/txflow/stream/transactions/classify"
)

// polls knows which messages may still be committed. Messages are polled in one goroutine while others are committed in
// another, so each is known by the number of the poll that it came by.
type polls struct {
	mu     sync.Mutex
	last   int64           // the last poll that handed messages out
	lost   map[int32]int64 // by partition: the last poll whose messages are not ours any longer, since it was taken away
	void   int64           // the last poll whose messages all come again
	behind bool            // the consumer must go back to what is committed before it hands out more
}

func newPolls() *polls { return &polls{lost: map[int32]int64{}} }

// errVoid is of messages that were polled before a transaction was given up: they come again by themselves.
var errVoid = errors.New("they were polled before another transaction was given up")

// check is an error for messages that must not be committed.
func (p *polls) check(messages []classify.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range messages {
		switch m := &messages[i]; {
		case m.Poll <= p.void:
			return errVoid
		case m.Poll <= p.lost[m.Partition]:
			return fmt.Errorf("partition %d was taken away", m.Partition)
		}
	}
	return nil
}

// take notes that a partition was taken away: what was handed out of it is lost.
func (p *polls) take(partition int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost[partition] = p.last
}

// giveUp notes that a transaction was given up: all that was handed out comes again.
func (p *polls) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.void, p.behind = p.last, true
}

// handOut gives a poll its number, unless the consumer must go back first.
func (p *polls) handOut() (number int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.behind {
		return 0, false
	}
	p.last++
	return p.last, true
}

// goBack tells whether the consumer must go back, and that it does so now.
func (p *polls) goBack() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	behind := p.behind
	p.behind = false
	return behind
}
