package dlq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/message"
)

// box is a table of dead letters and a topic, in memory. A dead letter's position is its index.
type box struct {
	letters []batch.Letter
	sent    []string
	headers []map[string]string
	failAt  int // the flush that fails, counted from 1
	flushes int
	held    int            // bytes of messages that were read since the last flush
	most    int            // the most of them at once
	sending func(i uint64) // called for each message that is sent, while it is
}

func selects(q *batch.LetterQuery, l *batch.Letter) bool {
	return l.State == q.State && (q.Replays == nil || l.Replays < *q.Replays) && (q.Until.IsZero() || l.FirstSeen.Before(q.Until)) &&
		(q.After == nil || l.Origin.Position > q.After.Position)
}

func (b *box) Letters(_ context.Context, q batch.LetterQuery) (out []batch.Letter, err error) {
	for _, l := range b.letters {
		if selects(&q, &l) && len(out) < q.Limit {
			if !q.Raw {
				l.Raw = nil
			}
			out = append(out, l)
		}
	}
	return out, nil
}

func (b *box) LetterMessages(_ context.Context, letters []batch.Letter) error {
	for i := range letters {
		letters[i].Raw = b.letters[letters[i].Origin.Position].Raw
		b.held += letters[i].RawBytes
	}
	b.most = max(b.most, b.held)
	return nil
}

func (b *box) LetterEnds(_ context.Context, q batch.LetterQuery) (map[batch.Origin]uint64, error) {
	ends := map[batch.Origin]uint64{}
	for _, l := range b.letters {
		if selects(&q, &l) {
			ends[batch.Origin{}] = l.Origin.Position
		}
	}
	return ends, nil
}

func (b *box) MarkLetters(_ context.Context, letters []batch.Letter, state string) error {
	for _, l := range letters {
		b.letters[l.Origin.Position].State = state
	}
	return nil
}

func (b *box) Send(_ context.Context, key, value []byte, headers map[string]string) error {
	b.sent = append(b.sent, fmt.Sprintf("%s %s %s", key, value, headers[message.HeaderReplays]))
	b.headers = append(b.headers, headers)
	if b.sending != nil {
		b.sending(uint64(len(b.sent)))
	}
	return nil
}

func (b *box) Flush(context.Context) error {
	b.held = 0
	if b.flushes++; b.flushes == b.failAt {
		return errors.New("the broker is away")
	}
	return nil
}

func fill(n int) *box {
	b := &box{}
	for i := range n {
		b.add(fmt.Sprint("id", i), time.Now().Add(-time.Minute))
	}
	return b
}

func (b *box) add(id string, seen time.Time) *batch.Letter {
	b.letters = append(b.letters, batch.Letter{Origin: batch.Origin{Position: uint64(len(b.letters))}, SourceID: id, Raw: []byte("raw"), RawBytes: 3,
		State: batch.LetterOpen, FirstSeen: seen})
	return &b.letters[len(b.letters)-1]
}

func (b *box) count(state string) (n int) {
	for i := range b.letters {
		if b.letters[i].State == state {
			n++
		}
	}
	return n
}

func ignore(int) {}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := fill(4)
	b.letters[0].Replays = 2                // came back too often
	b.letters[1].State = batch.LetterPurged // closed
	b.letters[2].Code = "message_too_large" // holds no message
	b.letters[3].Replays = 1
	n, err := Replay(t.Context(), b, b, Config{MaxReplays: 2}, ignore)
	if err != nil || n != 1 || !slices.Equal(b.sent, []string{"id3 raw 2"}) || b.letters[3].State != batch.LetterReplayed || b.letters[2].State != batch.LetterOpen {
		t.Errorf("%d %v: sent %q, %+v", n, err, b.sent, b.letters)
	}
}

// TestReplayKeepsWhatItIs says how new the message is and what trace it is of, where the dead letter knows.
func TestReplayKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	b := fill(2)
	b.letters[0].Version, b.letters[0].Parent = 1764118577123456, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 2}, ignore); err != nil || n != 2 {
		t.Fatalf("%d %v", n, err)
	}
	for i, want := range []map[string]string{
		{message.HeaderReplays: "1", message.HeaderVersion: "1764118577123456", message.HeaderTrace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{message.HeaderReplays: "1"},
	} {
		if !maps.Equal(b.headers[i], want) {
			t.Errorf("message %d has headers %v", i, b.headers[i])
		}
	}
}

// TestReplayKeepsToItsFilter has a limit of time, and one of replays that leaves all alone.
func TestReplayKeepsToItsFilter(t *testing.T) {
	t.Parallel()
	b := fill(3)
	until := time.Now().Add(-time.Hour)
	b.letters[1].FirstSeen = until.Add(-time.Second)
	n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1, Query: batch.LetterQuery{Until: until}}, ignore)
	if err != nil || n != 1 || b.letters[1].State != batch.LetterReplayed {
		t.Errorf("until: %d %v, %+v", n, err, b.letters)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 0}, ignore); err != nil || n != 0 || len(b.sent) != 1 {
		t.Errorf("none may come back: %d %v, sent %q", n, err, b.sent)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1, Query: batch.LetterQuery{Limit: 1}}, ignore); err != nil || n != 1 {
		t.Errorf("one of them: %d %v", n, err)
	}
}

// TestReplayLeavesWhatArrives has each message come back at once as a dead letter, judged by a clock that is behind and by one
// that is ahead.
func TestReplayLeavesWhatArrives(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		b := fill(page + 3)
		for i := range b.letters {
			b.letters[i].FirstSeen = time.Now().Add(skew)
		}
		b.sending = func(n uint64) { b.add(fmt.Sprint("back", n), time.Now().Add(skew)).Replays = 1 }
		n, err := Replay(t.Context(), b, b, Config{MaxReplays: 3}, ignore)
		if err != nil || n != page+3 || b.count(batch.LetterOpen) != page+3 {
			t.Errorf("a clock off by %s: %d replayed, %v, %d open", skew, n, err, b.count(batch.LetterOpen))
		}
	}
}

// TestReplayGoesOn has the broker fail at the second page: the third call leaves none open.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	const letters = 2*page + 7
	b := fill(letters)
	b.failAt = 2
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err == nil || n != page {
		t.Errorf("the first time %d, %v", n, err)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err != nil || n != letters-page {
		t.Errorf("the second time %d, %v", n, err)
	}
	if b.count(batch.LetterOpen) != 0 {
		t.Error("a dead letter is open")
	}
}

// TestReplayOfLargeMessages bounds what is in memory, and how long a slow replay goes without marking.
func TestReplayOfLargeMessages(t *testing.T) {
	t.Parallel()
	b := fill(page)
	large := []byte(strings.Repeat("x", 700<<10))
	for i := range b.letters {
		b.letters[i].Raw, b.letters[i].RawBytes = large, len(large)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err != nil || n != page || b.most > pieceBytes {
		t.Errorf("%d, %v: %d bytes at once", n, err, b.most)
	}
	b = fill(3)
	ctx, cancel := context.WithCancel(t.Context())
	b.sending = func(uint64) { cancel() }
	if _, err := Replay(ctx, b, b, Config{MaxReplays: 1, Rate: .5 / pieceTime}, ignore); err == nil || b.count(batch.LetterReplayed) != 1 {
		t.Errorf("one dead letter a piece, stopped at the first: %v, %d are marked", err, b.count(batch.LetterReplayed))
	}
}

// TestPurgeLeavesWhatArrives purges while dead letters arrive.
func TestPurgeLeavesWhatArrives(t *testing.T) {
	t.Parallel()
	b := fill(12_000)
	n, err := Purge(t.Context(), b, batch.LetterQuery{}, func(int) { b.add("late", time.Now().Add(-time.Hour)) })
	if err != nil || n != 12_000 || b.count(batch.LetterPurged) != n || b.held != 0 {
		t.Errorf("%d purged, %v; %d bytes of messages were read", n, err, b.held)
	}
}
