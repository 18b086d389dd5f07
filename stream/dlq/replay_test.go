package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/message"
)

// box is a table of dead letters and a topic, in memory.
type box struct {
	letters []batch.Letter
	sent    []string
	failAt  int // the flush that fails, counted from 1
	flushes int
}

func (b *box) Letters(_ context.Context, q batch.LetterQuery) (out []batch.Letter, err error) {
	for _, l := range b.letters {
		if l.State == q.State && l.Replays < q.Replays && l.FirstSeen.Before(q.Until) && (q.After == nil || l.Origin.Position > q.After.Position) && len(out) < q.Limit {
			out = append(out, l)
		}
	}
	return out, nil
}

func (b *box) MarkLetters(_ context.Context, letters []batch.Letter, state string) error {
	for _, l := range letters {
		b.letters[l.Origin.Position].State = state
	}
	return nil
}

func (b *box) Send(_ context.Context, key, value []byte, headers map[string]string) error {
	b.sent = append(b.sent, fmt.Sprintf("%s %s %s", key, value, headers[message.HeaderReplays]))
	return nil
}

func (b *box) Flush(context.Context) error {
	if b.flushes++; b.flushes == b.failAt {
		return errors.New("the broker is away")
	}
	return nil
}

func fill(n int) *box {
	b := &box{}
	for i := range n {
		b.letters = append(b.letters, batch.Letter{Origin: batch.Origin{Position: uint64(i)}, SourceID: fmt.Sprint("id", i), Raw: []byte("raw"), State: batch.LetterOpen,
			FirstSeen: time.Now().Add(-time.Minute)})
	}
	return b
}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := fill(5)
	b.letters[0].Replays = 2                           // came back too often
	b.letters[1].State = batch.LetterPurged            // put away
	b.letters[2].Code = "message_too_large"            // holds no message
	b.letters[3].FirstSeen = time.Now().Add(time.Hour) // comes back meanwhile
	b.letters[4].Replays = 1
	n, err := Replay(t.Context(), b, b, Config{MaxReplays: 2}, func(int) {})
	if err != nil || n != 1 || !slices.Equal(b.sent, []string{"id4 raw 2"}) || b.letters[4].State != batch.LetterReplayed || b.letters[2].State != batch.LetterOpen {
		t.Errorf("%d %v: sent %q, %+v", n, err, b.sent, b.letters)
	}
}

// TestReplayGoesOn has the broker fail at the second page: the third call leaves none open.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	const letters = 2*page + 7
	b := fill(letters)
	b.failAt = 2
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, func(int) {}); err == nil || n != page {
		t.Errorf("the first time %d, %v", n, err)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, func(int) {}); err != nil || n != letters-page {
		t.Errorf("the second time %d, %v", n, err)
	}
	if slices.ContainsFunc(b.letters, func(l batch.Letter) bool { return l.State == batch.LetterOpen }) {
		t.Error("a letter is open")
	}
}
