package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// states of the dead letters, in the order of their origins.
func (d database) states() string {
	d.t.Helper()
	return d.sql("SELECT arrayStringConcat(groupArray(toString(state)), ' ') FROM (SELECT state FROM dead_letters FINAL ORDER BY origin, position)")
}

// TestMarksHoldWhateverClocksSay closes dead letters that were judged by a clock that is ahead, by each way there is.
func TestMarksHoldWhateverClocksSay(t *testing.T) {
	for _, state := range []string{batch.LetterReplayed, batch.LetterPurged, batch.LetterResolved} {
		db := open(t)
		ahead := letter(4)
		ahead.At = time.Now().Add(time.Hour)
		id := transaction.DeriveID("s", []byte("4"))
		ahead.ID = &id
		insert := func() { must(t, db.InsertDeadLetters(t.Context(), info, []batch.DeadLetter{ahead})) }
		insert()
		if state == batch.LetterResolved {
			by := info
			by.RunID = "run-2"
			must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, 5, "Rent", func(r *batch.Classified) {
				r.Transaction.ID, r.Call.AnsweredAt = id, ahead.At.Add(time.Second)
			}))))
			must(t, db.ResolveLetters(t.Context(), "s"))
		} else {
			letters, err := db.Letters(t.Context(), batch.LetterQuery{State: batch.LetterOpen})
			must(t, err)
			must(t, db.MarkLetters(t.Context(), letters, state))
		}
		insert() // delivered again
		if got := db.states(); got != state {
			t.Errorf("it is %s, want %s", got, state)
		}
	}
}

// TestLettersOfLongOrigins marks more dead letters than a statement's text could name at once, in pages, and large ones.
func TestLettersOfLongOrigins(t *testing.T) {
	db := open(t)
	const many = 1200
	var rows []batch.DeadLetter
	for i := range many {
		l := letter(uint64(i))
		l.Origin.Origin = fmt.Sprintf("s3://bucket/%s/%04d.csv", strings.Repeat("a'\\", 120), i/2)
		l.Origin.Partition = int32(i % 3)
		if i%100 == 0 {
			l.Raw = []byte(strings.Repeat("x", 700<<10))
		}
		rows = append(rows, l)
	}
	must(t, db.InsertDeadLetters(t.Context(), info, rows))
	q := batch.LetterQuery{State: batch.LetterOpen, Limit: 1000}
	seen, bytes := map[batch.Origin]bool{}, 0
	for {
		some, err := db.Letters(t.Context(), q)
		must(t, err)
		if len(some) == 0 {
			break
		}
		for i := range some {
			if seen[some[i].Origin] || some[i].Raw != nil || some[i].RawBytes != 0 {
				t.Fatalf("%+v is there twice, or was read", some[i].Origin)
			}
			seen[some[i].Origin] = true
		}
		q.After = &some[len(some)-1].Origin
	}
	if len(seen) != many {
		t.Errorf("pages have %d dead letters, want %d", len(seen), many)
	}
	all, err := db.Letters(t.Context(), batch.LetterQuery{Sizes: true})
	must(t, err)
	must(t, db.LetterMessages(t.Context(), all[:200]))
	for i := range all {
		bytes += all[i].RawBytes
		if i < 200 && len(all[i].Raw) != all[i].RawBytes || i >= 200 && all[i].Raw != nil {
			t.Fatalf("dead letter %d has %d bytes of %d", i, len(all[i].Raw), all[i].RawBytes)
		}
	}
	if want := 12*700<<10 + (many-12)*len(letter(0).Raw); bytes != want {
		t.Errorf("messages of %d bytes, want %d", bytes, want)
	}
	must(t, db.MarkLetters(t.Context(), all, batch.LetterPurged))
	if got := db.sql("SELECT state, count() FROM dead_letters FINAL GROUP BY state"); got != "purged\t1200" {
		t.Errorf("they are %s", got)
	}
	ends, err := db.LetterEnds(t.Context(), batch.LetterQuery{})
	must(t, err)
	if len(ends) != many {
		t.Errorf("%d ends", len(ends))
	}
}

// TestConflictsAreResolvedByTheirContents loads another file with the same id: only one that has the row's own contents closes
// the id_conflict.
func TestConflictsAreResolvedByTheirContents(t *testing.T) {
	for name, c := range map[string]struct {
		amount transaction.Amount
		want   string
	}{"the first row again": {5, "open"}, "the row that was left out": {7, "resolved"}} {
		db := open(t)
		first, second := classified(4, 5, "Rent", nil), classified(5, 7, "Rent", nil)
		second.Transaction.ID, second.Transaction.SourceID = first.Transaction.ID, first.Transaction.SourceID
		second.ContentHash = second.Transaction.ContentHash(new([]byte))
		conflict := letter(5)
		conflict.ID, conflict.ContentHash, conflict.Code = &first.Transaction.ID, second.ContentHash, transaction.CodeConflict
		must(t, db.InsertClassified(t.Context(), info, pieces(first)))
		must(t, db.InsertDeadLetters(t.Context(), info, []batch.DeadLetter{conflict}))
		by := info
		by.RunID = "run-2"
		must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, c.amount, "Rent", func(r *batch.Classified) {
			r.ContentHash = r.Transaction.ContentHash(new([]byte))
			r.Call.AnsweredAt = answered.Add(time.Second)
		}))))
		must(t, db.ResolveLetters(t.Context(), info.Source))
		if got := db.states(); got != c.want {
			t.Errorf("%s: the id_conflict is %s, want %s", name, got, c.want)
		}
	}
}
