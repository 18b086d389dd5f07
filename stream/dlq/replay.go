// Package dlq reads dead letters back and sends them to where they came from.
package dlq

import (
	"context"
	"iter"
	"math"

	"github.com/txflow/txflow/internal/ledger"

	"golang.org/x/time/rate"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
)

// DeadLetters holds the state of the dead letters.
type DeadLetters interface {
	DeadLetters(ctx context.Context, q ledger.DeadLetterQuery) ([]ledger.DeadLetterState, error)
	// DeadLetterMessages reads the messages of dead letters into their Raw, Key and Headers.
	DeadLetterMessages(ctx context.Context, deadLetters []ledger.DeadLetterState) error
	// DeadLetterEnds returns the last position of each origin, digest and partition among what a query selects.
	DeadLetterEnds(ctx context.Context, q ledger.DeadLetterQuery) (map[ledger.Origin]uint64, error)
	// MarkLetters gives open dead letters another state.
	MarkDeadLetters(ctx context.Context, deadLetters []ledger.DeadLetterState, state string) error
}

// Sink takes messages to their topics. A nil error of Flush means that the broker has them all.
type Sink interface {
	Send(ctx context.Context, r pipeline.Record) error
	Flush(ctx context.Context) error
}

// Config says which dead letters to replay, and how.
type Config struct {
	Query      ledger.DeadLetterQuery // State, Replays and Limit are set here
	Rate       float64                // dead letters a second; 0 for as fast as the broker takes them
	MaxReplays int                    // those that came back so often stay open; 0 leaves all alone
	// Record makes the message of a dead letter, or says why there is none, which leaves it open; nil is for transactions.
	Record func(ctx context.Context, l *ledger.DeadLetterState) (r pipeline.Record, why string, err error)
	Left   func(l *ledger.DeadLetterState, why string) // is called with those that are left open; may be nil
}

// Bounds of what is read and changed at once.
const (
	page       = 500      // dead letters whose keys are read at once
	pieceBytes = 16 << 20 // of messages in memory
	pieceTime  = 10       // seconds that a piece takes at the given rate: a kill sends a piece again at most
)

// Replay sends open dead letters back, marks them as replayed, and returns how many those were. What arrives after the
// start is left for another time, and those that do not hold their message are left alone. Stopped in the middle, it
// goes on with what is still open: the piece under way is sent again at most.
func Replay(ctx context.Context, deadLetters DeadLetters, sink Sink, cfg Config, observe func(replayed int)) (int,
	error) {
	q := cfg.Query
	q.State, q.Replays = ledger.StateOpen, &cfg.MaxReplays
	rows, limiter := page, (*rate.Limiter)(nil)
	if cfg.Rate > 0 {
		limiter = rate.NewLimiter(rate.Limit(cfg.Rate), 1)
		rows = min(rows, int(math.Ceil(cfg.Rate*pieceTime)))
	}
	if cfg.Record == nil {
		cfg.Record = record
	}
	replayed := 0
	for piece, err := range Pieces(ctx, deadLetters, q, rows) {
		if err != nil {
			return replayed, err
		}
		sent := make([]ledger.DeadLetterState, 0, len(piece))
		for i := range piece {
			r, why, err := cfg.Record(ctx, &piece[i])
			if err != nil {
				return replayed, err
			}
			if why != "" {
				if cfg.Left != nil {
					cfg.Left(&piece[i], why)
				}
				continue
			}
			if limiter != nil {
				if err := limiter.Wait(ctx); err != nil {
					return replayed, err
				}
			}
			if err := sink.Send(ctx, r); err != nil {
				return replayed, err
			}
			sent = append(sent, piece[i])
		}
		if err := sink.Flush(ctx); err != nil {
			return replayed, err
		}
		if err := deadLetters.MarkDeadLetters(ctx, sent, ledger.StateReplayed); err != nil {
			return replayed, err
		}
		replayed += len(sent)
		observe(replayed)
	}
	return replayed, nil
}

// record is the message of a dead letter, for the topic that it came from, with its own key and headers.
func record(_ context.Context, l *ledger.DeadLetterState) (r pipeline.Record, why string, _ error) {
	if !transaction.Code(l.Code).KeepsRow() {
		return r, "it does not hold its message", nil
	}
	return pipeline.Record{Topic: l.Origin.Origin, Key: l.Key, Value: l.Raw, Headers: pipeline.ReplayHeaders(l)}, "", nil
}

// Purge gives open dead letters the state purged and returns how many those were. What arrives after the start stays
// open.
func Purge(ctx context.Context, deadLetters DeadLetters, q ledger.DeadLetterQuery, observe func(purged int)) (int,
	error) {
	const rows = 5000 // their messages stay where they are
	q.State = ledger.StateOpen
	purged := 0
	for some, err := range pages(ctx, deadLetters, q, rows) {
		if err == nil {
			err = deadLetters.MarkDeadLetters(ctx, some, ledger.StatePurged)
		}
		if err != nil {
			return purged, err
		}
		purged += len(some)
		observe(purged)
	}
	return purged, nil
}

// Pieces are the dead letters that a query selected at the start, with their messages: at most so many at once, and no
// more than fit into memory easily. They are in the order of their origins.
func Pieces(ctx context.Context, deadLetters DeadLetters, q ledger.DeadLetterQuery,
	rows int) iter.Seq2[[]ledger.DeadLetterState, error] {
	return func(yield func([]ledger.DeadLetterState, error) bool) {
		for some, err := range pages(ctx, deadLetters, q, page) {
			if err != nil {
				yield(nil, err)
				return
			}
			for len(some) > 0 {
				n := pieceOf(some, rows)
				piece := some[:n:n]
				some = some[n:]
				if err := deadLetters.DeadLetterMessages(ctx, piece); err != nil {
					yield(nil, err)
					return
				}
				if !yield(piece, nil) {
					return
				}
				clear(piece) // its messages may go
			}
		}
	}
}

// pieceOf is how many of the first dead letters make a piece: one at least.
func pieceOf(deadLetters []ledger.DeadLetterState, rows int) int {
	n, bytes := 0, 0
	for n < min(len(deadLetters), rows) {
		if bytes += deadLetters[n].Bytes; n > 0 && bytes > pieceBytes {
			break
		}
		n++
	}
	return n
}

// pages are the dead letters that a query selects, without their messages, up to what was there at the start. Clocks do
// not decide that: those of the members that wrote them may differ from ours.
func pages(ctx context.Context, deadLetters DeadLetters, q ledger.DeadLetterQuery,
	rows int) iter.Seq2[[]ledger.DeadLetterState, error] {
	return func(yield func([]ledger.DeadLetterState, error) bool) {
		ends, err := deadLetters.DeadLetterEnds(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		left := q.Limit // 0: all
		q.Sizes, q.Raw, q.Limit = true, false, rows
		for {
			some, err := deadLetters.DeadLetters(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(some) == 0 {
				return
			}
			last := some[len(some)-1].Origin
			q.After = &last
			some = known(some, ends)
			if left > 0 && len(some) >= left {
				yield(some[:left], nil)
				return
			}
			if left -= len(some); len(some) > 0 && !yield(some, nil) {
				return
			}
			left = max(left, 0)
		}
	}
}

// known leaves out what arrived after the ends were asked for.
func known(deadLetters []ledger.DeadLetterState, ends map[ledger.Origin]uint64) []ledger.DeadLetterState {
	out := deadLetters[:0]
	for i := range deadLetters {
		partition := deadLetters[i].Origin
		partition.Position = 0
		if last, ok := ends[partition]; ok && deadLetters[i].Origin.Position <= last {
			out = append(out, deadLetters[i])
		}
	}
	return out
}
