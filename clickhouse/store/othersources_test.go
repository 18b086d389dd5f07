package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/store"
)

// Two sources that use the same UUIDs replace each other's rows: this is counted, and the sources are named.
func TestOtherSourcesOfTheSameIDs(t *testing.T) {
	t.Parallel()
	db := open(t)
	insert := func(run, source string, from, to uint64) {
		t.Helper()
		of := info
		of.RunID, of.Source = run, source
		for line := from; line < to; line++ {
			must(t, db.InsertClassified(t.Context(), of, pieces(classified(line, 5, "Rent", nil))))
		}
	}
	insert("first", "bank", 1, 5)
	insert("second", "crm", 3, 7)
	insert("alone", "erp", 10, 12)
	insert("again", "bank", 1, 5)
	for _, c := range []struct {
		run, source string
		ids         int64
		sources     []string
	}{{"first", "bank", 2, []string{"crm"}}, {"second", "crm", 2, []string{"bank"}}, {"alone", "erp", 0, nil},
		{"nobody's", "x", 0, nil}} {
		ids, sources, err := db.OtherSources(t.Context(), "batch", c.run, c.source)
		if err != nil || ids != c.ids || !slices.Equal(sources, c.sources) {
			t.Errorf("%s: %d ids of %v, want %d of %v (%v)", c.run, ids, sources, c.ids, c.sources, err)
		}
	}
}

// However many rows are stored, few granules are read.
func TestOtherSourcesReadsTheRunsIDsAlone(t *testing.T) {
	t.Parallel()
	db := open(t)
	db.sql("%s", `INSERT INTO transactions (id, timestamp, version) SELECT generateUUIDv4(number),
toDateTime64('2022-01-01 00:00:00', 6, 'UTC'), toDateTime64('2022-01-01 00:00:00', 6, 'UTC') FROM numbers(200000)`)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	query := strings.NewReplacer("{pipeline:String}", "'batch'", "{run:String}", "'"+info.RunID+"'", "{source:String}",
		"'s'").Replace(store.Statements.Text("ledger/other_sources_sample"))
	if plan := db.sql("EXPLAIN indexes = 1 %s", query); !strings.Contains(plan, "Granules: 1/25") &&
		!strings.Contains(plan, "Granules: 2/26") {
		t.Errorf("it reads more than the run's ids:\n%s", plan)
	}
}
