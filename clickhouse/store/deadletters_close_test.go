package store_test

import (
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/transaction"
)

// TestStoredIDsResolveTheirDeadLetters stores ids whose rows were rejected: later, by another run or in the stream, and
// not otherwise.
func TestStoredIDsResolveTheirDeadLetters(t *testing.T) {
	for name, c := range map[string]struct {
		pipeline, storedBy, source string
		after                      time.Duration
		want                       string
	}{
		"corrected file":          {"batch", "run-2", "s", time.Second, "resolved"},
		"stored before":           {"batch", "run-2", "s", -time.Second, "open"},
		"same run":                {"batch", "run-1", "s", time.Second, "open"},
		"another source":          {"batch", "run-2", "t", time.Second, "open"},
		"another message":         {"stream", "run-1", "s", time.Second, "resolved"},
		"an earlier message":      {"stream", "run-1", "s", 0, "open"},
		"batch corrects a stream": {"stream", "run-2", "s", time.Second, "resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			bad, unnamed := deadLetter(4), deadLetter(5)
			id := transaction.DeriveID("s", []byte("4"))
			bad.ID = &id
			of := info
			of.Pipeline = c.pipeline
			insert := func() { must(t, db.InsertDeadLetters(t.Context(), of, []ledger.DeadLetter{bad, unnamed})) }
			insert()
			by := info
			by.RunID, by.Source = c.storedBy, c.source
			must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, 5, "Rent", func(r *ledger.Classified) {
				r.Transaction.ID = transaction.DeriveID(c.source, []byte("4"))
				r.Call.AnsweredAt = answered.Add(c.after)
			}))))
			for range 2 {
				must(t, db.ResolveDeadLetters(t.Context(), c.source))
				insert() // delivered again, it stays what it is
			}
			if got := db.sql("SELECT arrayStringConcat(groupArray(toString(state)), ' ') FROM (SELECT state " +
				"FROM dead_letters FINAL ORDER BY position)"); got != c.want+" open" {
				t.Errorf("the dead letters are %s, want %s open", got, c.want)
			}
		})
	}
}
