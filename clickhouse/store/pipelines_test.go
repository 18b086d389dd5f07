package store_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/ledger"
)

// ledgerOf has entries of a pipeline for numbers from first to below end, with a category.
func (d database) ledgerOf(pipeline, source, category string, first, end int) {
	d.t.Helper()
	d.entries(pipeline, source, category, first, end, "now64(6)", "now64(6)")
}

// entries has entries like ledgerOf, of contents of one time and recorded at another: expressions of SQL.
func (d database) entries(pipeline, source, category string, first, end int, version, recorded string) {
	d.t.Helper()
	d.sql(`INSERT INTO outcomes (pipeline, run_id, origin, position, source, id, outcome, category, version,
    classified_at, recorded_at)
SELECT '%s', '%s', 'o', number, '%s', reinterpretAsUUID(MD5(toString(number))), 'stored', '%s', %s AS v, v, %s
FROM numbers(%d, %d)`,
		pipeline, uuid.NewString(), source, category, version, recorded, first, end-first)
}

// later is ten minutes later: what was recorded before the last comparison is not new any longer.
func (d database) later() {
	d.t.Helper()
	d.sql(`INSERT INTO pipeline_comparisons (every_source, source, baseline, until, differing)
SELECT every_source, source, baseline, now64(6), differing FROM pipeline_comparisons FINAL`)
}

// compare compares and returns how many ids were, and what was found, as text.
func (d database) compare(source *string, everything bool) (compared int64, counts string) {
	d.t.Helper()
	compared, found, err := d.ComparePipelines(d.t.Context(), source, everything, 2)
	must(d.t, err)
	return compared, strings.TrimPrefix(fmt.Sprint(found.Counts), "map")
}

func TestPipelinesAreComparedByTheirLedgers(t *testing.T) {
	t.Parallel()
	db := open(t)
	db.ledgerOf("batch", "s", "Food", 0, 100)
	db.ledgerOf("stream", "s", "Food", 20, 110)
	db.ledgerOf("stream", "s", "Rent", 50, 53) // delivered once more, and classified otherwise
	db.ledgerOf("batch", "other", "Food", 1000, 1007)
	db.ledgerOf("events", "", "purchase", 2000, 2009) // no transactions
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
		for _, everything := range []bool{false, true, false} {
			compared, found, err := db.ComparePipelines(t.Context(), c.source, everything, 2)
			must(t, err)
			if compared != c.compared || fmt.Sprint(found.Counts) != c.counts {
				t.Errorf("%d ids, %v, want %d, %s", compared, found.Counts, c.compared, c.counts)
			}
			for kind, n := range found.Counts {
				first := slices.DeleteFunc(slices.Clone(found.First), func(f ledger.Finding) bool { return f.Kind != kind })
				if want := min(2, n); len(first) != int(want) || len(first[0].ID) != 36 || first[0].ID == first[1].ID ||
					first[0].Origin != "o" || first[0].Position == first[1].Position {
					t.Errorf("%s: %+v", kind, first)
				}
			}
		}
	}
}

// A comparison looks at what is new and at what did not agree before, and finds what a comparison of everything finds.
func TestPipelinesAreComparedFromWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := "s"
	want := func(compared int64, counts string) {
		t.Helper()
		if got, found := db.compare(&s, false); got != compared || found != counts {
			t.Errorf("%d ids, %s, want %d, %s", got, found, compared, counts)
		}
		db.later()
		if found, err := db.ComparedByLedger(t.Context(), s); err != nil || "["+found+"]" != counts {
			t.Errorf("the whole ledger has %s %v", found, err)
		}
	}
	db.entries("batch", "s", "Food", 0, 1000, "now64(6) - 2", "now64(6) - 86400")
	db.entries("stream", "s", "Food", 0, 1000, "now64(6) - 1", "now64(6) - 80000")
	want(1000, "[]")
	want(0, "[]")
	db.ledgerOf("batch", "s", "Rent", 0, 3) // corrections in one pipeline only
	db.ledgerOf("stream", "s", "Food", 1000, 1001)
	want(4, "[category_differs:3 only_stream:1]")
	want(4, "[category_differs:3 only_stream:1]") // they stand, though nothing is new
	db.entries("batch", "s", "Travel", 500, 510, "now64(6) - 3600", "now64(6)")
	want(14, "[category_differs:3 only_stream:1]") // older contents change nothing
	db.ledgerOf("stream", "s", "Rent", 0, 3)
	db.ledgerOf("batch", "s", "Food", 1000, 1001)
	want(4, "[]")
	want(0, "[]")
	if got, found := db.compare(&s, true); got != 1001 || found != "[]" {
		t.Errorf("everything: %d ids, %s", got, found)
	}
	// What changed behind the back of a comparison is found by one of everything, which the next ones go on from.
	db.later()
	db.sql("DELETE FROM outcomes WHERE pipeline = 'stream' AND position = 7")
	if got, found := db.compare(&s, false); got != 0 || found != "[]" {
		t.Errorf("%d ids, %s", got, found)
	}
	if got, found := db.compare(&s, true); got != 1001 || found != "[only_batch:1]" {
		t.Errorf("everything: %d ids, %s", got, found)
	}
	db.later()
	want(1, "[only_batch:1]")
}

// Whatever is recorded in whatever order, comparisons of what is new find what the whole ledger shows.
func TestComparingWhatIsNewFindsAll(t *testing.T) {
	t.Parallel()
	db := open(t)
	random := rand.New(rand.NewPCG(1, 2))
	differed := 0
	for step := range 12 {
		for range 1 + random.IntN(3) {
			first := random.IntN(40)
			db.entries([]string{"batch", "stream"}[random.IntN(2)], []string{"s", "other"}[random.IntN(2)],
				[]string{"Food", "Rent"}[random.IntN(2)], first, first+1+random.IntN(40),
				fmt.Sprintf("toDateTime64('2024-01-01 00:00:00', 6, 'UTC') + %d", random.IntN(1_000_000)), "now64(6)")
		}
		for _, source := range []string{"s", "other"} {
			_, got := db.compare(&source, step == 8)
			want, err := db.ComparedByLedger(t.Context(), source)
			must(t, err)
			if got != "["+want+"]" {
				t.Errorf("step %d, %s: %s, and the whole ledger has %s", step, source, got, want)
			}
			differed += strings.Count(got, "category_differs")
		}
		db.later()
	}
	if differed == 0 {
		t.Error("nothing differed: this proves little")
	}
}

// What a comparison reads follows what is new, not what the ledger holds.
func TestComparingPipelinesReadsWhatIsNew(t *testing.T) {
	t.Parallel()
	read := map[int][2]int{}
	for _, rows := range []int{20_000, 200_000} {
		db := open(t)
		for _, pipeline := range []string{"batch", "stream"} {
			db.entries(pipeline, "s", "Food", 0, rows, "now64(6) - 1", "now64(6) - 86400")
		}
		s := "s"
		if compared, found := db.compare(&s, false); compared != int64(rows) || found != "[]" {
			t.Fatal(compared, found)
		}
		for _, pipeline := range []string{"batch", "stream"} {
			db.ledgerOf(pipeline, "s", "Rent", 100, 110)
		}
		db.sql("OPTIMIZE TABLE outcomes FINAL")
		db.sql("OPTIMIZE TABLE pipeline_states FINAL")
		last := strings.Fields(db.sql("SELECT baseline, toUnixTimestamp64Micro(until) FROM pipeline_comparisons FINAL"))
		arguments := strings.NewReplacer("{every:UInt8}", "0", "{source:String}", "'s'", "{baseline:UInt64}", last[0],
			"{since:Int64}", last[1], "{first:UInt64}", "5")
		_, fill, _ := strings.Cut(store.PipelinesFill, "\n") // without INSERT
		read[rows] = [2]int{db.rowsRead(arguments.Replace(fill)), db.rowsRead(arguments.Replace(store.PipelinesDiffer))}
		if compared, found := db.compare(&s, false); compared != 10 || found != "[]" {
			t.Error(compared, found)
		}
	}
	t.Logf("rows read, to fill and to compare: %v", read)
	for i, what := range []string{"to fill", "to compare"} {
		if few, many := read[20_000][i], read[200_000][i]; few == 0 || many > few+few/2 {
			t.Errorf("%s: %d rows are read of 200,000 and %d of 20,000", what, many, few)
		}
	}
}

var readRows = regexp.MustCompile(`"rows_read": (\d+)`)

// rowsRead runs a query and returns how many rows it read.
func (d database) rowsRead(query string) int {
	d.t.Helper()
	result := d.sql("%s", query+" FORMAT JSON")
	found := readRows.FindStringSubmatch(result)
	if found == nil {
		d.t.Fatalf("%s\n%s", query, result)
	}
	n, err := strconv.Atoi(found[1])
	must(d.t, err)
	return n
}
