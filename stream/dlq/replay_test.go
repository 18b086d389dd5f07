package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/stream/pipeline"
)

// box is a table of dead letters and a topic, in memory. A dead letter's position is its index.
type box struct {
	deadLetters []ledger.DeadLetterState
	sent        []string
	topics      []string // of each
	headers     []string // of each
	failAt      int      // the flush that fails, counted from 1
	flushes     int
	held        int            // bytes of messages that were read since the last flush
	most        int            // the most of them at once
	sending     func(i uint64) // called for each message that is sent, while it is
}

func selects(q *ledger.DeadLetterQuery, l *ledger.DeadLetterState) bool {
	return l.State == q.State && (q.Replays == nil || l.Replays < *q.Replays) &&
		(q.Until.IsZero() || l.FirstSeen.Before(q.Until)) &&
		(q.After == nil || l.Origin.Position > q.After.Position)
}

func (b *box) DeadLetters(_ context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterState, err error) {
	for _, l := range b.deadLetters {
		if selects(&q, &l) && len(out) < q.Limit {
			if !q.Raw {
				l.Raw, l.Key, l.Headers = nil, nil, nil
			}
			out = append(out, l)
		}
	}
	return out, nil
}

func (b *box) DeadLetterMessages(_ context.Context, deadLetters []ledger.DeadLetterState) error {
	for i := range deadLetters {
		of := &b.deadLetters[deadLetters[i].Origin.Position]
		deadLetters[i].Raw, deadLetters[i].Key, deadLetters[i].Headers = of.Raw, of.Key, of.Headers
		b.held += deadLetters[i].Bytes
	}
	b.most = max(b.most, b.held)
	return nil
}

func (b *box) DeadLetterEnds(_ context.Context, q ledger.DeadLetterQuery) (map[ledger.Origin]uint64, error) {
	ends := map[ledger.Origin]uint64{}
	for _, l := range b.deadLetters {
		if selects(&q, &l) {
			partition := l.Origin
			partition.Position = 0
			ends[partition] = l.Origin.Position
		}
	}
	return ends, nil
}

func (b *box) MarkDeadLetters(_ context.Context, deadLetters []ledger.DeadLetterState, state string) error {
	for _, l := range deadLetters {
		b.deadLetters[l.Origin.Position].State = state
	}
	return nil
}

func (b *box) Send(_ context.Context, r pipeline.Record) error {
	replays := ""
	for _, h := range r.Headers {
		if h.Name == pipeline.HeaderReplays {
			replays = string(h.Value)
		}
	}
	b.sent = append(b.sent, fmt.Sprintf("%s %s %s", r.Key, r.Value, replays))
	b.topics = append(b.topics, r.Topic)
	b.headers = append(b.headers, fmt.Sprintf("key %q %t, headers %q", r.Key, r.Key == nil, r.Headers))
	if b.sending != nil {
		b.sending(uint64(len(b.sent)))
	}
	return nil
}

func (b *box) Flush(context.Context) error {
	b.held = 0
	if b.flushes++; b.flushes == b.failAt {
		return errors.New("the broker is unavailable")
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

func (b *box) add(id string, seen time.Time) *ledger.DeadLetterState {
	b.deadLetters = append(b.deadLetters,
		ledger.DeadLetterState{Origin: ledger.Origin{Position: uint64(len(b.deadLetters))}, SourceID: id, Key: []byte(id),
			Raw: []byte("raw"), Bytes: 3, State: ledger.StateOpen, FirstSeen: seen})
	return &b.deadLetters[len(b.deadLetters)-1]
}

func (b *box) count(state string) (n int) {
	for i := range b.deadLetters {
		if b.deadLetters[i].State == state {
			n++
		}
	}
	return n
}

func ignore(int) {}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := fill(4)
	b.deadLetters[0].Replays = 2                // came back too often
	b.deadLetters[1].State = ledger.StatePurged // closed
	b.deadLetters[2].Code = "message_too_large" // holds no message
	b.deadLetters[3].Replays = 1
	n, err := Replay(t.Context(), b, b, Config{MaxReplays: 2}, ignore)
	if err != nil || n != 1 || !slices.Equal(b.sent, []string{"id3 raw 2"}) ||
		b.deadLetters[3].State != ledger.StateReplayed || b.deadLetters[2].State != ledger.StateOpen {
		t.Errorf("%d %v: sent %q, %+v", n, err, b.sent, b.deadLetters)
	}
}

// TestReplayKeepsWhatItIs sends messages to the topics that they came from, with their own keys and headers, and says
// how new they are and what trace they are of, where the dead letter knows.
func TestReplayKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	b := fill(5)
	l := b.deadLetters
	l[0].Origin.Origin, l[0].Version, l[0].Parent = "transactions.raw", 1764118577123456, parent
	l[1].Origin.Origin, l[1].Key = "events.raw", nil
	l[2].Key = []byte{}
	l[3].Key = []byte("\x00\xff another")
	l[3].Headers = []pipeline.Header{{Name: "b", Value: []byte("\xff\x00")}, {Name: "a"}, {Name: "b", Value: []byte("2")},
		{Name: "", Value: []byte{}}}
	l[4].Replays, l[4].Version, l[4].Parent = 1, 5, parent
	l[4].Headers = []pipeline.Header{{Name: pipeline.HeaderTime, Value: []byte("1")}, {Name: "traceparent",
		Value: []byte(parent)}, {Name: pipeline.HeaderReplays, Value: []byte("1")}, {Name: "own", Value: []byte("x")},
		{Name: pipeline.HeaderVersion, Value: []byte("5")}}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 2}, ignore); err != nil || n != 5 {
		t.Fatalf("%d %v", n, err)
	}
	if b.topics[0] != "transactions.raw" || b.topics[1] != "events.raw" {
		t.Errorf("messages are sent to %q", b.topics)
	}
	for i, want := range []string{
		`key "id0" false, headers [{"txflow-replays" "1"} {"txflow-version" "1764118577123456"} {"traceparent" "` + parent +
			`"}]`,
		`key "" true, headers [{"txflow-replays" "1"}]`,
		`key "" false, headers [{"txflow-replays" "1"}]`,
		`key "\x00\xff another" false, headers [{"b" "\xff\x00"} {"a" ""} {"b" "2"} {"" ""} {"txflow-replays" "1"}]`,
		`key "id4" false, headers [{"traceparent" "` + parent +
			`"} {"own" "x"} {"txflow-replays" "2"} {"txflow-version" "5"}]`,
	} {
		if b.headers[i] != want {
			t.Errorf("message %d has %s\nwant %s", i, b.headers[i], want)
		}
	}
}

// TestReplayKeepsToItsFilter has a limit of time, and one of replays that leaves all alone.
func TestReplayKeepsToItsFilter(t *testing.T) {
	t.Parallel()
	b := fill(3)
	until := time.Now().Add(-time.Hour)
	b.deadLetters[1].FirstSeen = until.Add(-time.Second)
	n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1, Query: ledger.DeadLetterQuery{Until: until}}, ignore)
	if err != nil || n != 1 || b.deadLetters[1].State != ledger.StateReplayed {
		t.Errorf("until: %d %v, %+v", n, err, b.deadLetters)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 0}, ignore); err != nil || n != 0 || len(b.sent) != 1 {
		t.Errorf("none may come back: %d %v, sent %q", n, err, b.sent)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1, Query: ledger.DeadLetterQuery{Limit: 1}},
		ignore); err != nil || n != 1 {
		t.Errorf("one of them: %d %v", n, err)
	}
}

// TestReplayLeavesWhatArrives has each message come back at once as a dead letter, judged by a clock that is behind and
// by one that is ahead.
func TestReplayLeavesWhatArrives(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		b := fill(page + 3)
		for i := range b.deadLetters {
			b.deadLetters[i].FirstSeen = time.Now().Add(skew)
		}
		b.sending = func(n uint64) { b.add(fmt.Sprint("back", n), time.Now().Add(skew)).Replays = 1 }
		n, err := Replay(t.Context(), b, b, Config{MaxReplays: 3}, ignore)
		if err != nil || n != page+3 || b.count(ledger.StateOpen) != page+3 {
			t.Errorf("a clock off by %s: %d replayed, %v, %d open", skew, n, err, b.count(ledger.StateOpen))
		}
	}
}

// TestReplayGoesOn has the broker fail at the second page: the third call leaves none open.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	const deadLetters = 2*page + 7
	b := fill(deadLetters)
	b.failAt = 2
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err == nil || n != page {
		t.Errorf("the first time %d, %v", n, err)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err != nil || n != deadLetters-page {
		t.Errorf("the second time %d, %v", n, err)
	}
	if b.count(ledger.StateOpen) != 0 {
		t.Error("a dead letter is open")
	}
}

// TestReplayOfLargeMessages bounds what is in memory, and how long a slow replay goes without marking.
func TestReplayOfLargeMessages(t *testing.T) {
	t.Parallel()
	b := fill(page)
	large := []byte(strings.Repeat("x", 700<<10))
	for i := range b.deadLetters {
		b.deadLetters[i].Raw, b.deadLetters[i].Bytes = large, len(large)
	}
	if n, err := Replay(t.Context(), b, b, Config{MaxReplays: 1}, ignore); err != nil || n != page || b.most > pieceBytes {
		t.Errorf("%d, %v: %d bytes at once", n, err, b.most)
	}
	b = fill(3)
	ctx, cancel := context.WithCancel(t.Context())
	b.sending = func(uint64) { cancel() }
	if _, err := Replay(ctx, b, b, Config{MaxReplays: 1, Rate: .5 / pieceTime}, ignore); err == nil ||
		b.count(ledger.StateReplayed) != 1 {
		t.Errorf("one dead letter a piece, stopped at the first: %v, %d are marked", err, b.count(ledger.StateReplayed))
	}
}

// TestPurgeLeavesWhatArrives purges while dead letters arrive.
func TestPurgeLeavesWhatArrives(t *testing.T) {
	t.Parallel()
	b := fill(12_000)
	n, err := Purge(t.Context(), b, ledger.DeadLetterQuery{}, func(int) { b.add("late", time.Now().Add(-time.Hour)) })
	if err != nil || n != 12_000 || b.count(ledger.StatePurged) != n || b.held != 0 {
		t.Errorf("%d purged, %v; %d bytes of messages were read", n, err, b.held)
	}
}
