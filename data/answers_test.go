package data_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
)

// memory serves one file to the reader.
type memory []byte

func (m memory) OpenSource(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m)), nil
}

// read judges a file by the reader and the rules of the pipeline, and by the contract on repeated ids.
func read(t *testing.T, content []byte) data.Key {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := source.Open(t.Context(), memory(content), "memory", source.Options{Rules: transaction.DefaultRules(now)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	type verdict struct {
		code transaction.Code
		id   transaction.ID
		hash uint64
	}
	got := data.Key{Codes: map[string]int64{}}
	first := map[transaction.ID]uint64{}
	err = source.Scan(t.Context(), r, 1, func() func(func(func(*source.Row))) []verdict {
		return func(each func(func(*source.Row))) (all []verdict) {
			each(func(row *source.Row) {
				all = append(all, verdict{row.Violation.Code, row.Transaction.ID, row.ContentHash})
			})
			return all
		}
	}, func(all []verdict) error {
		for _, v := range all {
			got.Rows++
			hash, seen := first[v.id]
			switch {
			case v.code == transaction.CodeOK && !seen:
				first[v.id] = v.hash
				got.Accepted++
				continue
			case v.code == transaction.CodeOK && hash == v.hash:
				got.Duplicates++
				continue
			case v.code == transaction.CodeOK:
				v.code = transaction.CodeConflict
			}
			got.Rejected++
			got.Codes[string(v.code)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAnswers has the pipeline's own reader find what the key says, in every dialect.
func TestAnswers(t *testing.T) {
	t.Parallel()
	columns := []string{"merchant", "side", "amount", "id", "description", "timestamp", "operation_type"}
	for name, o := range map[string]data.Options{
		"clean":            {Rows: 3_000, Seed: 4},
		"real dialect":     {Rows: 20_000, Seed: 1, Dirty: 0.3},
		"all odd":          {Rows: 2_000, Seed: 2, Dirty: 1},
		"comma and point":  {Rows: 5_000, Seed: 3, Dirty: 0.2, Dialect: data.Dialect{Delimiter: ',', Decimal: '.'}},
		"comma and comma":  {Rows: 5_000, Seed: 3, Dirty: 0.2, Dialect: data.Dialect{Delimiter: ',', Decimal: ','}},
		"windows":          {Rows: 5_000, Seed: 5, Dirty: 0.2, Dialect: data.Dialect{CRLF: true, BOM: true}},
		"tab and RFC 3339": {Rows: 5_000, Seed: 6, Dirty: 0.2, Dialect: data.Dialect{Delimiter: '\t', RFC3339: true}},
		"shuffled": {Rows: 5_000, Seed: 7, Dirty: 0.2, Dialect: data.Dialect{Delimiter: '|', Decimal: '.',
			Columns: columns}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, want := generate(t, o)
			got := read(t, content)
			if got.Rows != want.Rows || got.Accepted != want.Accepted || got.Duplicates != want.Duplicates ||
				got.Rejected != want.Rejected || !maps.Equal(got.Codes, want.Codes) {
				t.Errorf("read %+v\nthe key says %+v", got, want)
			}
			if want.Rows != o.Rows || want.Accepted+want.Duplicates+want.Rejected != want.Rows {
				t.Errorf("the key does not add up: %+v", want)
			}
		})
	}
}

// TestEveryFault looks at the committed dirty file: every code and every kind is in it, and the gate of 0.1 shows.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	_, key := generate(t, committed["transactions_dirty.csv"])
	for _, code := range []transaction.Code{transaction.CodeColumns, transaction.CodeMissing, transaction.CodeTooLong,
		transaction.CodeUTF8,
		transaction.CodeControl, transaction.CodeAmountFormat, transaction.CodeAmountScale, transaction.CodeAmountRange,
		transaction.CodeAmountZero,
		transaction.CodeTimestamp, transaction.CodeTimestampRange, transaction.CodeSide, transaction.CodeSideMismatch,
		transaction.CodeOperation,
		transaction.CodeConflict, transaction.CodeQuote} {
		if key.Codes[string(code)] == 0 {
			t.Errorf("no %s", code)
		}
	}
	for _, kind := range data.Kinds() {
		if key.Kinds[kind.Name] == 0 {
			t.Errorf("no row of the kind %q", kind.Name)
		}
	}
	if ratio := float64(key.Rejected) / float64(key.Rows); ratio <= 0.1 || key.Duplicates == 0 {
		t.Errorf("reject ratio %v, %d duplicates", ratio, key.Duplicates)
	}
}
