package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

type row struct {
	Line   uint64
	Fields []string
	Stray  bool
	Raw    string
}

func readAll(t testing.TB, text string, delimiter byte, size int) ([]row, error) {
	t.Helper()
	sp := NewSplitter(strings.NewReader(text), delimiter, size, 1<<20, 1)
	var rows []row
	var s Scanner
	for {
		b, err := sp.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		s.Reset(b, delimiter, 100)
		for s.Scan() {
			r := row{Line: s.Record.Line, Stray: s.Record.Stray, Raw: string(s.Record.Raw)}
			for _, f := range s.Record.Fields[:min(s.Record.N, len(s.Record.Fields))] {
				r.Fields = append(r.Fields, string(f))
			}
			rows = append(rows, r)
		}
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []row
	}{
		{"plain", "a;b\n1;2\n", []row{{1, []string{"a", "b"}, false, "a;b"}, {2, []string{"1", "2"}, false, "1;2"}}},
		{"crlf", "a;\"b\"\r\n1;2\r\n", []row{{1, []string{"a", "b"}, false, "a;\"b\""},
			{2, []string{"1", "2"}, false, "1;2"}}},
		{"no last newline", "1;2", []row{{1, []string{"1", "2"}, false, "1;2"}}},
		{"no last newline, quoted", `1;"2"`, []row{{1, []string{"1", "2"}, false, `1;"2"`}}},
		{"escaped quotes", `"a""b";"""";""` + "\n", []row{{1, []string{`a"b`, `"`, ""}, false, `"a""b";"""";""`}}},
		{"quoted newline", "\"a\nb\";c\nd;e\n", []row{{1, []string{"a\nb", "c"}, false, "\"a\nb\";c"},
			{3, []string{"d", "e"}, false, "d;e"}}},
		{"empty lines", "\n\r\na\n\nb\n", []row{{3, []string{"a"}, false, "a"}, {5, []string{"b"}, false, "b"}}},
		{"stray quote", "a\"b;c\nd;e\n", []row{{1, []string{`a"b`, "c"}, true, `a"b;c`},
			{2, []string{"d", "e"}, false, "d;e"}}},
		{"text after a quote", "\"a\"b;c\nd;e\n", []row{{1, []string{"a", "c"}, true, `"a"b;c`},
			{2, []string{"d", "e"}, false, "d;e"}}},
		{"trailing delimiter", "a;\n", []row{{1, []string{"a", ""}, false, "a;"}}},
		{"cr kept in quotes", "\"a\r\"\r\n", []row{{1, []string{"a\r"}, false, "\"a\r\""}}},
	} {
		for _, size := range []int{1, 2, 3, 7, 64} {
			got, err := readAll(t, tt.text, ';', size)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s in blocks of %d: %v\n got %+v\nwant %+v", tt.name, size, err, got, tt.want)
			}
		}
	}
}

func TestUnclosedQuoteIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	_, err := readAll(t, "a;b\n1;2\n3;\"4\n5;6\n", ';', 4)
	var unclosed *UnclosedQuoteError
	if !errors.As(err, &unclosed) || unclosed.Line != 3 {
		t.Fatalf("got %v, want an unclosed quote in line 3", err)
	}
}

func TestLongRecordIsRefusedInBoundedMemory(t *testing.T) {
	t.Parallel()
	endless := io.MultiReader(strings.NewReader("a;b\n\""), iotest.DataErrReader(&repeat{b: 'x'}))
	sp := NewSplitter(endless, ';', 1<<10, 1<<16, 1)
	var err error
	for err == nil {
		_, err = sp.Next()
	}
	var long *RecordTooLongError
	if !errors.As(err, &long) || long.Line != 2 {
		t.Fatalf("got %v, want a record too long in line 2", err)
	}
}

type repeat struct{ b byte }

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.b
	}
	return len(p), nil
}

// FuzzAgainstEncodingCSV compares with encoding/csv: where that reads a text without an error, so do we, with the same
// fields and lines; and the size of the blocks never matters.
func FuzzAgainstEncodingCSV(f *testing.F) {
	for _, s := range []string{"a;b\n1;2\n", "\"a\nb\";c\r\n", `"a""b";"""";""`, "a\"b;c\n", "\"a\"b;c\n;;\n", "\"",
		"\r\n\r", "a\r\nb"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if len(text) > 1<<12 {
			t.Skip("larger texts find nothing more")
		}
		size = 1 + (size&0x7fffffff)%50
		small, errSmall := readAll(t, text, ';', size)
		large, errLarge := readAll(t, text, ';', 1<<16)
		if fmt.Sprint(errSmall) != fmt.Sprint(errLarge) || errSmall == nil && !reflect.DeepEqual(small, large) {
			t.Fatalf("blocks of %d differ: %v %v\n%+v\n%+v", size, errSmall, errLarge, small, large)
		}
		r := csv.NewReader(bytes.NewReader([]byte(text)))
		r.Comma, r.FieldsPerRecord = ';', -1
		var want []row
		for {
			fields, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			line, _ := r.FieldPos(0)
			want = append(want, row{Line: uint64(line), Fields: fields})
		}
		if errLarge != nil || len(large) != len(want) {
			t.Fatalf("encoding/csv reads %d rows, we %d (%v)", len(want), len(large), errLarge)
		}
		for i := range want {
			// encoding/csv makes a newline of CRLF inside quotes; text is kept as it was sent here.
			for j, field := range large[i].Fields {
				large[i].Fields[j] = strings.ReplaceAll(field, "\r\n", "\n")
			}
			if large[i].Stray || large[i].Line != want[i].Line || len(want[i].Fields) <= 100 &&
				!slices.Equal(large[i].Fields, want[i].Fields) {
				t.Fatalf("row %d: encoding/csv %+v, we %+v", i, want[i], large[i])
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	const benchRows = 200_000
	line := `12345;"Card expense at EDF";-952,40;"2023-11-28 06:35:12";"EDF";"refund";"debit"` + "\n"
	data := []byte(strings.Repeat(line, benchRows))
	b.Run("csvfile", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			sp := NewSplitter(bytes.NewReader(data), ';', 256<<10, 1<<20, 1)
			var s Scanner
			for {
				blk, err := sp.Next()
				if err != nil {
					break
				}
				s.Reset(blk, ';', 7)
				for s.Scan() {
				}
				sp.Recycle(blk)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
	b.Run("encoding/csv", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(data))
			r.Comma, r.ReuseRecord = ';', true
			for {
				if _, err := r.Read(); err != nil {
					break
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	})
}
