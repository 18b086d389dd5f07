package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

// fakeSession is a partition in memory that ends the work when all of it is done.
type fakeSession struct {
	source  []Message
	commits []error       // what the next commits say; nil after them
	gate    chan struct{} // if there is one, a commit waits until it is closed
	end     context.CancelFunc
	waits   bool // Poll waits after the last message until the context ends

	mu         sync.Mutex
	next, done int // after the last message that was polled, that was committed
	epoch      uint64
	revoke     int // the partition is revoked and comes back before the message of this index is polled, once; 0 for never
	revoked    bool
	assigned   bool
	alive      int
	polls      int
	ended      bool // the context has ended while Poll waited
	written    []string
	most       int // the most messages that were polled and not committed
}

func (s *fakeSession) Poll(ctx context.Context, limit int, _ time.Duration) (p Polled, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	if s.waits && s.next == len(s.source) {
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		s.ended = true
		return p, ctx.Err()
	}
	if s.done == len(s.source) {
		s.end()
	}
	if s.revoke > 0 && s.next >= s.revoke {
		s.revoke, s.revoked, s.next = 0, true, s.done
		s.epoch++
		p.Revoked, s.assigned = []Partition{{"in", 0}}, false
	}
	if !s.assigned {
		s.assigned = true
		p.Assigned = []Assignment{{Partition: Partition{"in", 0}, Next: int64(s.done)}}
	}
	p.Messages = slices.Clone(s.source[s.next:min(s.next+limit, len(s.source))])
	for i := range p.Messages {
		p.Messages[i].Epoch = s.epoch
	}
	s.next += len(p.Messages)
	s.most = max(s.most, s.next-s.done)
	return p, nil
}

func (s *fakeSession) KeepAlive(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive++
	return nil
}

func (s *fakeSession) Commit(ctx context.Context, records []Record, done []Message) error {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if done[0].Epoch != s.epoch {
		return fmt.Errorf("%w: of an older epoch", ErrAborted)
	}
	if len(s.commits) > 0 {
		err := s.commits[0]
		if s.commits = s.commits[1:]; err != nil {
			s.next = s.done
			s.epoch++
			return err
		}
	}
	for i := range records {
		s.written = append(s.written, records[i].Topic+" "+string(records[i].Key)+" "+string(bytes.Clone(records[i].Value)))
	}
	s.done += len(done)
	return nil
}

// upper is a handler that writes messages in capitals, rejects "bad", skips "twice", and forgets "forgotten".
type upper struct {
	mu     sync.Mutex
	events []string
	wait   func(context.Context) error // before it decides, if there is one
}

func (u *upper) Handle(ctx context.Context, b *Batch) error {
	if u.wait != nil {
		if err := u.wait(ctx); err != nil {
			return err
		}
	}
	for i, m := range b.Undecided() {
		switch string(m.Value) {
		case "bad":
			b.Reject(i, "", ledger.DeadLetter{Outcome: ledger.OutcomeRejected, Code: transaction.CodeMessage, Message: "no"})
		case "twice":
			b.Skip(i)
		case "forgotten":
		default:
			b.Emit(i, "out", m.Key, func(dst []byte) []byte { return append(dst, bytes.ToUpper(m.Value)...) })
		}
	}
	return nil
}

func (u *upper) Assigned(_ context.Context, partitions []Assignment) error {
	u.event("assigned from", partitions[0].Next)
	return nil
}

func (u *upper) Revoked(partitions []Partition) { u.event("revoked", int64(partitions[0].Number)) }

func (u *upper) event(what string, n int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.events = append(u.events, fmt.Sprint(what, " ", n))
}

type seen struct {
	mu    sync.Mutex
	stats []Stats
}

func (s *seen) Begin(int) {}

func (s *seen) End(t Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = append(s.stats, t)
}
