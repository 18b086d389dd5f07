// Package dlq sends dead letters back to where they came from.
package dlq

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/message"
)

// Letters holds the state of the dead letters.
type Letters interface {
	Letters(ctx context.Context, q batch.LetterQuery) ([]batch.Letter, error)
	// MarkLetters gives open dead letters another state.
	MarkLetters(ctx context.Context, letters []batch.Letter, state string) error
}

// Sink takes messages to the topic that dead letters came from. A nil error of Flush means that the broker has them all.
type Sink interface {
	Send(ctx context.Context, key, value []byte, headers map[string]string) error
	Flush(ctx context.Context) error
}

// Config says which letters to replay, and how.
type Config struct {
	Query      batch.LetterQuery // State, Replays, Until and Limit are set here
	Rate       float64           // letters a second; 0 for as fast as the broker takes them
	MaxReplays int               // a letter that came back so often stays open: more of the same will not help
}

// page is how many letters are sent and then marked at once: a kill in between sends so many again at most.
const page = 500

// Replay sends open letters back, marks them as replayed, and returns how many those were. Letters that come back meanwhile
// are left for another time, and those that do not hold their message are left alone. Stopped in the middle, it goes on with what is still open.
func Replay(ctx context.Context, letters Letters, sink Sink, cfg Config, observe func(replayed int)) (int, error) {
	q := cfg.Query
	q.State, q.Replays, q.Until, q.Limit = batch.LetterOpen, cfg.MaxReplays, time.Now(), page
	var limiter *rate.Limiter
	if cfg.Rate > 0 {
		limiter = rate.NewLimiter(rate.Limit(cfg.Rate), 1)
	}
	replayed := 0
	for {
		some, err := letters.Letters(ctx, q)
		if err != nil || len(some) == 0 {
			return replayed, err
		}
		sent := make([]batch.Letter, 0, len(some))
		for i := range some {
			if some[i].Code == string(transaction.CodeMessageSize) {
				continue // the letter does not hold its message
			}
			sent = append(sent, some[i])
			if limiter != nil {
				if err := limiter.Wait(ctx); err != nil {
					return replayed, err
				}
			}
			headers := map[string]string{message.HeaderReplays: strconv.Itoa(some[i].Replays + 1)}
			if err := sink.Send(ctx, []byte(some[i].SourceID), some[i].Raw, headers); err != nil {
				return replayed, err
			}
		}
		if err := sink.Flush(ctx); err != nil {
			return replayed, err
		}
		if err := letters.MarkLetters(ctx, sent, batch.LetterReplayed); err != nil {
			return replayed, err
		}
		replayed += len(sent)
		observe(replayed)
		q.After = &some[len(some)-1].Origin
	}
}
