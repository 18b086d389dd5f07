package data_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/txflow/txflow/data"
)

// committed are the options of the files of this folder.
var committed = map[string]data.Options{
	"transactions.csv":       {Rows: 10_000, Seed: 1},
	"transactions_dirty.csv": {Rows: 2_000, Seed: 1, Dirty: 0.3},
}

func generate(t testing.TB, o data.Options) ([]byte, data.Key) {
	t.Helper()
	var b bytes.Buffer
	key, err := data.Generate(context.Background(), &b, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), key
}

// TestCommittedFiles makes the files of this folder again. With TXFLOW_UPDATE=1 it writes them.
func TestCommittedFiles(t *testing.T) {
	t.Parallel()
	for name, o := range committed {
		content, key := generate(t, o)
		answers, err := json.MarshalIndent(key, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{name: content}
		if o.Dirty > 0 {
			files[strings.TrimSuffix(name, ".csv")+".key.json"] = append(answers, '\n')
		}
		for name, want := range files {
			if os.Getenv("TXFLOW_UPDATE") != "" {
				if err := os.WriteFile(name, want, 0o644); err != nil { // sample data is for everyone
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what its options make: TXFLOW_UPDATE=1 go test ./data", name)
			}
		}
	}
}

// TestSameBytesForEver pins digests. A change of them changes what every user's seed means: it needs a very good
// reason.
func TestSameBytesForEver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    data.Options
		want string
	}{
		{data.Options{Rows: 10_000, Seed: 1}, "56d89d089fe52cde5099c3d52883fa11e097831699414700cf115eeabb5b79bb"},
		{data.Options{Rows: 10_000, Seed: 2, FirstID: 5_000_000, Dirty: 0.1},
			"87489c9e12782277209640b6ff9d9b003de93008b666953da36a5c2fbfe8da61"},
		{data.Options{Rows: 1_000, Seed: 3, Dialect: data.Dialect{Delimiter: ',', Decimal: '.', CRLF: true, BOM: true,
			RFC3339: true,
			Columns: []string{"side", "amount", "id", "merchant", "timestamp", "description", "operation_type"}}},
			"b9f870c18fa0ec09e8901cab7c2763124bb747aeb179309ce12580b25b125c8b"},
	} {
		content, _ := generate(t, c.o)
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	a, _ := generate(t, data.Options{Rows: 100, Seed: 1})
	b, _ := generate(t, data.Options{Rows: 100, Seed: 2})
	longer, _ := generate(t, data.Options{Rows: 200, Seed: 1})
	if bytes.Equal(a, b) || !bytes.HasPrefix(longer, a) {
		t.Error("seeds do not differ, or a longer file does not begin as the shorter one")
	}
}

// TestShape compares with what the real file's rows show.
func TestShape(t *testing.T) {
	t.Parallel()
	content, _ := generate(t, data.Options{Rows: 50_000, Seed: 7})
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ";"); got != "id;description;amount;timestamp;merchant;operation_type;side" {
		t.Errorf("header %s", got)
	}
	seen := [7]map[string]int{}
	for i := range seen {
		seen[i] = map[string]int{}
	}
	months, debits := map[string]int{}, 0.0
	for i, row := range rows[1:] {
		if row[0] != strconv.Itoa(i+1) {
			t.Fatalf("row %d has the id %s", i+1, row[0])
		}
		amount, err := strconv.ParseFloat(strings.Replace(row[2], ",", ".", 1), 64)
		if err != nil || amount == 0 || amount < -2000 || amount > 5000 || (amount < 0) != (row[6] == "debit") ||
			len(row[2])-strings.IndexByte(row[2], ',') != 3 {
			t.Fatalf("row %d: amount %s, side %s", i+1, row[2], row[6])
		}
		if row[6] == "debit" {
			debits++
		}
		if row[3] < "2023-01-01 00:00:00" || row[3] > "2024-04-24 23:59:59" {
			t.Fatalf("row %d: %s", i+1, row[3])
		}
		description := strings.TrimSuffix(row[1], row[4])
		for column, value := range map[int]string{1: description, 4: row[4], 5: row[5]} {
			seen[column][value]++
		}
		months[row[3][:7]]++
	}
	if share := debits / 50_000; math.Abs(share-0.657) > 0.01 {
		t.Errorf("%v of the rows are debits", share)
	}
	for column, n := range map[int]int{1: 10, 4: 24, 5: 4} {
		if len(seen[column]) != n {
			t.Errorf("column %d has %d values, want %d", column, len(seen[column]), n)
		}
		for value, count := range seen[column] {
			if expect := 50_000 / n; count < expect*9/10 || count > expect*11/10 {
				t.Errorf("%q: %d times, about %d expected", value, count, expect)
			}
		}
	}
	if len(months) != 16 {
		t.Errorf("months: %v", months)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]data.Options{
		"rows": {Rows: -1}, "share": {Dirty: 1.1}, "NaN": {Dirty: math.NaN()},
		"delimiter": {Dialect: data.Dialect{Delimiter: '"'}},
		"decimal":   {Dialect: data.Dialect{Decimal: 'x'}}, "columns": {Dialect: data.Dialect{Columns: []string{"id"}}},
	} {
		if _, err := data.Generate(t.Context(), io.Discard, o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := data.Generate(t.Context(), failing{}, data.Options{Rows: 10}); !errors.Is(err, errDisk) {
		t.Errorf("an error of the writer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := data.Generate(ctx, io.Discard, data.Options{Rows: 100_000}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

var errDisk = errors.New("disk")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

func BenchmarkGenerate(b *testing.B) {
	for name, dirty := range map[string]float64{"clean": 0, "dirty": 0.05} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				generateTo(b, io.Discard, data.Options{Rows: 1_000_000, Seed: 1, Dirty: dirty})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/row")
		})
	}
}

func generateTo(b *testing.B, w io.Writer, o data.Options) {
	b.Helper()
	if _, err := data.Generate(b.Context(), w, o); err != nil {
		b.Fatal(err)
	}
}
