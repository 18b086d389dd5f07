package collect

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// copyRejects stores a second time what is refused: one object for the package, a dead letter a line, with all of each
// item. The channel is closed when that is done. It changes no answer: the dead letter in Kafka counts.
func (s *Server) copyRejects(ctx context.Context, p *pack, pick func(i int) bool) <-chan struct{} {
	done := make(chan struct{})
	var lines []byte
	if s.cfg.Copies != nil {
		for i := range p.items {
			if pick(i) {
				d := p.deadLetter(i)
				lines = append(deadletter.Append(lines, &ledger.RunInfo{Pipeline: events.Ledger, Source: p.token}, &d,
					0, p.traceparent), '\n')
			}
		}
	}
	if len(lines) == 0 {
		close(done)
		return done
	}
	name := p.received.UTC().Format("dead-letters/2006-01-02/15/") + p.correlation.String() + "-" + p.request +
		".ndjson"
	go func() {
		defer close(done)
		outcome := "stored"
		if err := s.cfg.Copies.Keep(ctx, name, lines); err != nil {
			outcome = "failed"
			s.cfg.Logger.WarnContext(ctx, "the copy of dead letters is not stored; they are in Kafka", "name", name,
				"error", err)
		}
		s.metrics.copies.WithLabelValues(outcome).Inc()
	}()
	return done
}

// deadLetter is what is recorded of an item that breaks a rule, with all of it.
func (p *pack) deadLetter(i int) ledger.DeadLetter {
	item := &p.items[i]
	id := transaction.ID(item.Event.ID)
	return ledger.DeadLetter{Outcome: ledger.OutcomeRejected, ID: &id, SourceID: item.Event.MessageID,
		Column: item.Violation.Pointer, Code: transaction.Code(item.Violation.Code), Message: item.Violation.Code.Message(),
		Origin: ledger.Origin{Origin: events.Collector, Digest: p.correlation.String(), Position: uint64(i)},
		Raw:    []byte(item.Raw), At: p.received, Version: p.received.UnixMicro()}
}
