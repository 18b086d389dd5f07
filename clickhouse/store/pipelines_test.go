package store_test

import (
	"fmt"
	"testing"

	"github.com/txflow/txflow/internal/ledger"
)

// ledgerOf has entries of a pipeline for numbers from first to below end, with a category.
func (d database) ledgerOf(pipeline, source, category string, first, end int) {
	d.t.Helper()
	d.sql(`INSERT INTO outcomes (pipeline, run_id, origin, position, source, id, outcome, category, version, classified_at)
SELECT '%s', '%s', 'o', number, '%s', toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(number), 12, '0'))), 'stored', '%s', now64(6), now64(6) FROM numbers(%d, %d)`,
		pipeline, category, source, category, first, end-first)
}

func TestPipelinesAreComparedByTheirLedgers(t *testing.T) {
	t.Parallel()
	db := open(t)
	db.ledgerOf("batch", "s", "Food", 0, 100)
	db.ledgerOf("stream", "s", "Food", 20, 110)
	db.ledgerOf("stream", "s", "Rent", 50, 53) // delivered once more, and judged otherwise
	db.ledgerOf("batch", "other", "Food", 1000, 1007)
	s, other, nobody := "s", "other", "nobody"
	for _, c := range []struct {
		source   *string
		compared int64
		counts   string
	}{
		{&s, 110, "map[category_differs:3 only_batch:20 only_stream:10]"},
		{&other, 7, "map[only_batch:7]"},
		{&nobody, 0, "map[]"},
		{nil, 117, "map[category_differs:3 only_batch:27 only_stream:10]"},
	} {
		compared, found, err := db.ComparePipelines(t.Context(), c.source, 2)
		must(t, err)
		if compared != c.compared || fmt.Sprint(found.Counts) != c.counts {
			t.Errorf("%d ids, %v, want %d, %s", compared, found.Counts, c.compared, c.counts)
		}
		for kind, n := range found.Counts {
			var first []ledger.Finding
			for _, f := range found.First {
				if f.Kind == kind {
					first = append(first, f)
				}
			}
			if want := min(2, n); len(first) != int(want) || first[0].ID >= first[1].ID || first[0].Origin != "o" ||
				first[0].Position == first[1].Position {
				t.Errorf("%s: %+v", kind, first)
			}
		}
	}
}
