package pipeline

import (
	"time"

	"github.com/txflow/txflow/internal/transaction"
)

// Stats is what became of one batch.
type Stats struct {
	Messages    int
	Skipped     int                      // messages without a result, such as duplicates
	Deleted     int64                    // offsets that retention deleted before they were read
	DeadLetters map[transaction.Code]int // by reason
	Handled     time.Duration            // from the poll until the handler had decided
	Took        time.Duration            // from the poll until the transaction ended
	Delays      []time.Duration          // of each message that has a time, from when it was produced until the end
	Aborted     bool                     // nothing was written, and the messages come again
}

// Observer receives the statistics of every batch, from several goroutines. Two batches may be in work, of which the
// first one mostly ends first.
type Observer interface {
	Begin(messages int)
	End(Stats)
}

// stats counts what became of a batch.
func (b *Batch) stats(now time.Time, err error) Stats {
	s := Stats{Messages: len(b.Messages), DeadLetters: map[transaction.Code]int{}, Handled: b.handled,
		Took: now.Sub(b.start), Delays: make([]time.Duration, 0, len(b.Messages)), Aborted: err != nil}
	for i := range b.Messages {
		m := &b.Messages[i]
		s.Deleted += m.Gap
		if !m.Time.IsZero() {
			s.Delays = append(s.Delays, max(now.Sub(m.Time), 0))
		}
		switch d := &b.decisions[i]; d.kind {
		case rejected:
			s.DeadLetters[d.code]++
		case skipped:
			s.Skipped++
		}
	}
	return s
}
