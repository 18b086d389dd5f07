package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
)

// states of the dead letters, in the order of their origins.
func (d database) states() string {
	d.t.Helper()
	return d.sql("SELECT arrayStringConcat(groupArray(toString(state)), ' ') " +
		"FROM (SELECT state FROM dead_letters FINAL ORDER BY origin, position)")
}

// TestMarksHoldWhateverClocksSay closes dead letters that were judged by a clock that is ahead, by each way there is.
func TestMarksHoldWhateverClocksSay(t *testing.T) {
	for _, state := range []string{ledger.StateReplayed, ledger.StatePurged, ledger.StateResolved} {
		db := open(t)
		ahead := deadLetter(4)
		ahead.At = time.Now().Add(time.Hour)
		id := transaction.DeriveID("s", []byte("4"))
		ahead.ID = &id
		insert := func() { must(t, db.InsertDeadLetters(t.Context(), info, []ledger.DeadLetter{ahead})) }
		insert()
		if state == ledger.StateResolved {
			by := info
			by.RunID = "run-2"
			must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, 5, "Rent", func(r *ledger.Classified) {
				r.Transaction.ID, r.Call.AnsweredAt = id, ahead.At.Add(time.Second)
			}))))
			must(t, db.ResolveDeadLetters(t.Context(), "s"))
		} else {
			deadLetters, err := db.DeadLetters(t.Context(), ledger.DeadLetterQuery{State: ledger.StateOpen})
			must(t, err)
			must(t, db.MarkDeadLetters(t.Context(), deadLetters, state))
		}
		insert() // delivered again
		if got := db.states(); got != state {
			t.Errorf("it is %s, want %s", got, state)
		}
	}
}

// TestLettersOfLongOrigins marks more dead letters than a statement's text could name at once, in pages, and large
// ones.
func TestDeadLettersOfLongOrigins(t *testing.T) {
	db := open(t)
	const many = 1200
	var rows []ledger.DeadLetter
	for i := range many {
		l := deadLetter(uint64(i))
		l.Origin.Origin = fmt.Sprintf("s3://bucket/%s/%04d.csv", strings.Repeat("a'\\", 120), i/2)
		l.Origin.Partition = int32(i % 3)
		if i%100 == 0 {
			l.Raw = []byte(strings.Repeat("x", 700<<10))
		}
		rows = append(rows, l)
	}
	must(t, db.InsertDeadLetters(t.Context(), info, rows))
	q := ledger.DeadLetterQuery{State: ledger.StateOpen, Limit: 1000}
	seen, bytes := map[ledger.Origin]bool{}, 0
	for {
		some, err := db.DeadLetters(t.Context(), q)
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
	all, err := db.DeadLetters(t.Context(), ledger.DeadLetterQuery{Sizes: true})
	must(t, err)
	must(t, db.DeadLetterMessages(t.Context(), all[:200]))
	for i := range all {
		bytes += all[i].RawBytes
		if i < 200 && len(all[i].Raw) != all[i].RawBytes || i >= 200 && all[i].Raw != nil {
			t.Fatalf("dead letter %d has %d bytes of %d", i, len(all[i].Raw), all[i].RawBytes)
		}
	}
	if want := 12*700<<10 + (many-12)*len(deadLetter(0).Raw); bytes != want {
		t.Errorf("messages of %d bytes, want %d", bytes, want)
	}
	for i := range all[:2] { // those of files have no key and no headers
		if all[i].Key != nil || len(all[i].Headers) != 0 || all[i].Bytes != all[i].RawBytes {
			t.Errorf("a dead letter of a file has the key %q and headers %v, %d bytes", all[i].Key, all[i].Headers, all[i].Bytes)
		}
	}
	must(t, db.MarkDeadLetters(t.Context(), all, ledger.StatePurged))
	if got := db.sql("SELECT state, count() FROM dead_letters FINAL GROUP BY state"); got != "purged\t1200" {
		t.Errorf("they are %s", got)
	}
	ends, err := db.DeadLetterEnds(t.Context(), ledger.DeadLetterQuery{})
	must(t, err)
	if len(ends) != many {
		t.Errorf("%d ends", len(ends))
	}
}

// TestDeadLettersKeepKeyAndHeaders reads them back as they came, also after a mark.
func TestDeadLettersKeepKeyAndHeaders(t *testing.T) {
	db := open(t)
	db.sql(`INSERT INTO incoming_dead_letters
(pipeline, origin, position, source_id, outcome, code, raw, key, headers, at) VALUES
('stream', 't', 1, 'id', 'rejected', 'c', 'raw', unhex('FF00'), [('b', unhex('FE')), ('a', NULL), ('b', '')], now64(6)),
('stream', 't', 2, 'id', 'rejected', 'c', 'raw', NULL, [], now64(6)),
('stream', 't', 3, 'id', 'rejected', 'c', '', '', [('', '')], now64(6))`)
	for _, state := range []string{ledger.StateOpen, ledger.StateReplayed} {
		q := ledger.DeadLetterQuery{State: state, Sizes: true}
		paged, err := db.DeadLetters(t.Context(), q)
		must(t, err)
		must(t, db.DeadLetterMessages(t.Context(), paged))
		q.Raw = true
		whole, err := db.DeadLetters(t.Context(), q)
		must(t, err)
		for name, found := range map[string][]ledger.DeadLetterState{"in pages": paged, "at once": whole} {
			got := ""
			for i := range found {
				l := &found[i]
				got += fmt.Sprintf("%q %t %q %t %d; ", l.Key, l.Key == nil, l.Headers, len(l.Headers) > 1 &&
					l.Headers[1].Value == nil, l.Bytes)
			}
			const want = `"\xff\x00" false [{"b" "\xfe"} {"a" ""} {"b" ""}] true 9; ` +
				`"" true [] false 3; "" false [{"" ""}] false 0; `
			if got != want {
				t.Errorf("%s, %s: %s\nwant %s", state, name, got, want)
			}
		}
		must(t, db.MarkDeadLetters(t.Context(), paged, ledger.StateReplayed))
	}
}

// TestConflictsAreResolvedByTheirContents loads another file with the same id: only one that has the row's own contents
// closes the id_conflict.
func TestConflictsAreResolvedByTheirContents(t *testing.T) {
	for name, c := range map[string]struct {
		amount transaction.Amount
		want   string
	}{"the first row again": {5, "open"}, "the row that was left out": {7, "resolved"}} {
		db := open(t)
		first, second := classified(4, 5, "Rent", nil), classified(5, 7, "Rent", nil)
		second.Transaction.ID, second.Transaction.SourceID = first.Transaction.ID, first.Transaction.SourceID
		second.ContentHash = second.Transaction.ContentHash(new([]byte))
		conflict := deadLetter(5)
		conflict.ID, conflict.ContentHash, conflict.Code = &first.Transaction.ID, second.ContentHash, transaction.CodeConflict
		must(t, db.InsertClassified(t.Context(), info, pieces(first)))
		must(t, db.InsertDeadLetters(t.Context(), info, []ledger.DeadLetter{conflict}))
		by := info
		by.RunID = "run-2"
		must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, c.amount, "Rent", func(r *ledger.Classified) {
			r.ContentHash = r.Transaction.ContentHash(new([]byte))
			r.Call.AnsweredAt = answered.Add(time.Second)
		}))))
		must(t, db.ResolveDeadLetters(t.Context(), info.Source))
		if got := db.states(); got != c.want {
			t.Errorf("%s: the id_conflict is %s, want %s", name, got, c.want)
		}
	}
}

// TestFirstSeenStays judges the rows of a file again: one that was purged since, and one that was not; and then a row
// of before.
func TestFirstSeenStays(t *testing.T) {
	db := open(t)
	first := []ledger.DeadLetter{deadLetter(4), deadLetter(5)}
	must(t, db.InsertDeadLetters(t.Context(), info, first))
	must(t, db.MarkDeadLetters(t.Context(), []ledger.DeadLetterState{{Origin: first[0].Origin}}, ledger.StatePurged))
	again := []ledger.DeadLetter{deadLetter(4), deadLetter(5), deadLetter(6)}
	for i := range again {
		again[i].At = time.Now().Add(time.Hour)
	}
	by := info
	by.RunID = "run-2"
	for range 2 {
		must(t, db.InsertDeadLetters(t.Context(), by, again))
		if got := db.states(); got != "open open open" {
			t.Errorf("they are %s", got)
		}
		found, err := db.DeadLetters(t.Context(), ledger.DeadLetterQuery{})
		must(t, err)
		for i, want := range []time.Time{answered, answered, again[2].At.Truncate(time.Microsecond)} {
			if !found[i].FirstSeen.Equal(want) || !found[i].UpdatedAt.Equal(again[i].At.Truncate(time.Microsecond)) {
				t.Errorf("row %d was first seen at %s, want %s; updated %s", i+4, found[i].FirstSeen, want, found[i].UpdatedAt)
			}
		}
		db.sql("OPTIMIZE TABLE dead_letters FINAL")
	}
}

// TestClosedLettersCostNothing has few that are open among many that are closed: a statement that reads more than a
// part of the table is refused.
func TestClosedDeadLettersCostNothing(t *testing.T) {
	db := open(t)
	db.sql(`INSERT INTO dead_letters
(origin, position, pipeline, source, run_id, id, source_id, outcome, code, state, first_seen, updated_at)
SELECT 'transactions.raw', number, 'stream', 's', 'r', generateUUIDv4(), toString(number), 'rejected', 'message_format',
if(number IN (200000, 200001), 'open', 'purged'), now64(6), now64(6) FROM numbers(400000)`)
	db.sql("OPTIMIZE TABLE dead_letters FINAL")
	limited, err := store.Open(store.Config{URL: secret.NewURL(db.url + "&max_rows_to_read=80000")})
	must(t, err)
	t.Cleanup(limited.Close)
	if _, err := limited.CountDeadLetters(t.Context(), ledger.DeadLetterQuery{}); store.Code(err) != 158 {
		t.Fatalf("a query of all is not refused: %v", err)
	}
	q := ledger.DeadLetterQuery{State: ledger.StateOpen, Pipeline: "stream", Origin: "transactions.raw", Sizes: true}
	found, err := limited.DeadLetters(t.Context(), q)
	if err != nil || len(found) != 2 {
		t.Fatalf("%d are open, %v", len(found), err)
	}
	counts, err := limited.CountDeadLetters(t.Context(), q)
	if err != nil || len(counts) != 1 || counts[0].Rows != 2 {
		t.Errorf("count: %+v, %v", counts, err)
	}
	if ends, err := limited.DeadLetterEnds(t.Context(), q); err != nil ||
		ends[ledger.Origin{Origin: "transactions.raw"}] != 200001 {
		t.Errorf("ends: %v, %v", ends, err)
	}
	must(t, limited.DeadLetterMessages(t.Context(), found))
	must(t, limited.ResolveDeadLetters(t.Context(), "s"))
	must(t, limited.MarkDeadLetters(t.Context(), found[:1], ledger.StatePurged))
	if found, err = limited.DeadLetters(t.Context(), q); err != nil || len(found) != 1 {
		t.Errorf("%d are open, %v", len(found), err)
	}
	// A page of all costs as much as its place in the table, and not the whole table.
	q = ledger.DeadLetterQuery{Limit: 10, After: &ledger.Origin{Origin: "transactions.raw", Position: 350_000}}
	if page, err := limited.DeadLetters(t.Context(), q); err != nil || len(page) != 10 ||
		page[0].Origin.Position != 350_001 {
		t.Errorf("a page of %d, %v", len(page), err)
	}
}
