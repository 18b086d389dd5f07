package store_test

import (
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

// database is a migrated database of the test's own.
type database struct {
	*store.Store
	t   *testing.T
	url string
}

func open(t *testing.T) database {
	t.Helper()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	must(t, err)
	t.Cleanup(db.Close)
	core, err := schema.Core()
	must(t, err)
	must(t, migrate.Up(t.Context(), db, core, func(migrate.Migration) {}))
	return database{db, t, url}
}

// sql runs a statement and returns the result's lines.
func (d database) sql(format string, args ...any) string {
	d.t.Helper()
	return strings.TrimSpace(embeddedtest.Exec(d.t, d.url, fmt.Sprintf(format, args...)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var info = ledger.RunInfo{Pipeline: "batch", RunID: "run-1", TaskTry: 2, Source: "s", Chunk: "c0ffee",
	OriginTraceID: "feed"}

var answered = time.Date(2024, 6, 1, 12, 0, 0, 123456000, time.UTC)

// pieces gives rows as load does: a piece after another in the same memory.
func pieces(rows ...ledger.Classified) iter.Seq2[[]ledger.Classified, error] {
	return func(yield func([]ledger.Classified, error) bool) {
		memory := make([]ledger.Classified, 1+len(rows)/3)
		for left := rows; len(left) > 0; {
			n := copy(memory, left)
			if !yield(memory[:n], nil) {
				return
			}
			left = left[n:]
		}
	}
}

// classified makes a row with the given line as its id.
func classified(line uint64, amount transaction.Amount, category string,
	change func(*ledger.Classified)) ledger.Classified {
	c, _ := transaction.ParseCategory(category)
	side := transaction.Credit
	if amount < 0 {
		side = transaction.Debit
	}
	r := ledger.Classified{
		Transaction: transaction.Transaction{ID: transaction.DeriveID("s", fmt.Append(nil, line)), SourceID: fmt.Sprint(line),
			Description: "d",
			Amount:      amount, Timestamp: time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC), Merchant: "m",
			HasMerchant: true, OperationType: "card", Side: side},
		ContentHash: line, Category: c, Call: &prediction.Call{Model: "m1", Attempt: 3, TraceID: "aa", SpanID: "bb",
			Sampled: true, AnsweredAt: answered},
		Origin: ledger.Origin{Origin: "file:///in.csv", Digest: "d1", Position: line},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func deadLetter(line uint64) ledger.DeadLetter {
	return ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: fmt.Sprint(line),
		Origin: ledger.Origin{Origin: "file:///in.csv", Digest: "d1", Position: line},
		Column: "amount", Code: "not_a_number", Message: "the amount is not a number", Raw: []byte("raw;\xff\n"),
		At: answered}
}
