package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch/batchtest"
	"github.com/txflow/txflow/internal/csvfile"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

const header = "id,description,amount,timestamp,merchant,operation_type,side\n"

func row(id int, amount string) string {
	return fmt.Sprintf("%d,x,%q,2024-01-02 03:04:05,M,payment,debit\n", id, amount)
}

// read returns the amounts of the good rows and the codes of the others, in the file's order.
func read(t *testing.T, content string, opt Options) ([]string, error) {
	t.Helper()
	var memory batchtest.Memory
	memory.Put("a.csv", []byte(content))
	thousands := opt.Rules.Thousands
	opt.Rules = transaction.DefaultRules(time.Now())
	opt.Rules.Thousands = thousands
	r, err := Open(t.Context(), &memory, "a.csv", opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var got []string
	worker := func() func(func(func(*Row))) []string {
		return func(each func(func(*Row))) (rows []string) {
			each(func(row *Row) {
				if row.Violation.Code != transaction.CodeOK {
					rows = append(rows, string(row.Violation.Code))
				} else {
					rows = append(rows, row.Transaction.Amount.String())
				}
			})
			return rows
		}
	}
	err = Scan(t.Context(), r, 2, worker, func(rows []string) error {
		got = append(got, rows...)
		return nil
	})
	return got, err
}

// The rows that open the mark's question may be after the part of a file that is looked at first.
func TestAnAmbiguousAmountFarDownIsRefused(t *testing.T) {
	t.Parallel()
	var whole strings.Builder
	whole.WriteString(header)
	for i := range 3000 {
		whole.WriteString(row(i, "-100"))
	}
	last := row(9000, "-1.250")
	for name, tt := range map[string]struct {
		content string
		opt     Options
		refused bool
	}{
		"nothing decides":     {whole.String() + last, Options{}, true},
		"a later row decides": {whole.String() + last + row(9001, "-1.5"), Options{}, false},
		"it is said":          {whole.String() + last, Options{Dialect: csvfile.Options{DecimalPoint: '.'}}, false},
	} {
		got, err := read(t, tt.content, tt.opt)
		var ambiguous *csvfile.AmbiguousError
		if errors.As(err, &ambiguous) != tt.refused || tt.refused &&
			(ambiguous.Line != 3002 || fault.ExitCode(err) != fault.ExitData ||
				!strings.Contains(fault.Hint(err), "--decimal")) {
			t.Errorf("%s: %v, %s", name, err, fault.Hint(err))
		}
		if !tt.refused && (err != nil || got[3000] != "-1.25") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAmbiguousFilePassesAsItIsSaidToBe(t *testing.T) {
	t.Parallel()
	file := header + row(1, "-1,234") + row(2, "-1,234,567") + row(3, "-100")
	for want, opt := range map[string]Options{
		"[-1234 -1234567 -100]": {Dialect: csvfile.Options{DecimalPoint: '.'},
			Rules: transaction.Rules{Thousands: ','}},
		"[-1.234 amount_format -100]":        {Dialect: csvfile.Options{DecimalPoint: ','}},
		"[amount_format amount_format -100]": {Dialect: csvfile.Options{DecimalPoint: '.'}},
		"[amount_format amount_format -100] ": {Dialect: csvfile.Options{DecimalPoint: '.'},
			Rules: transaction.Rules{Thousands: ' '}},
		"[amount_format amount_format -100]  ": {Dialect: csvfile.Options{DecimalPoint: '.'},
			Rules: transaction.Rules{Thousands: '\''}},
	} {
		if got, err := read(t, file, opt); err != nil || fmt.Sprint(got) != strings.TrimSpace(want) {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
}

func TestPackedFilesAreToldApart(t *testing.T) {
	t.Parallel()
	file := header + strings.Repeat(row(1, "-1.50"), 1000)
	zst, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	_, _ = z.Write([]byte(file))
	_ = z.Close()
	frame := "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" // a skippable one of four bytes
	packed := string(zst.EncodeAll([]byte(file), nil))
	for name, tt := range map[string]struct{ content, says string }{
		"skippable frame first": {frame + packed, ""},
		"cut gzip":              {gz.String()[:gz.Len()-20], "cut off"},
		"cut zstd":              {packed[:len(packed)-20], "cut off"},
		"padded gzip":           {gz.String() + strings.Repeat("\x00", 512), "no gzip"},
	} {
		got, err := read(t, tt.content, Options{})
		if tt.says == "" && (err != nil || len(got) != 1000) || tt.says != "" && (fault.ExitCode(err) != fault.ExitData ||
			!strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
	}
}

func TestARepeatedHeaderIsNamed(t *testing.T) {
	t.Parallel()
	got, err := read(t, header+row(1, "-1.5")+strings.ToUpper(header)+row(2, "-2.5"), Options{})
	if err != nil || fmt.Sprint(got) != "[-1.5 header_repeated -2.5]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestManyColumnsAreRead(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("note,", 70)
	got, err := read(t, wide+header+wide+row(1, "-1.5")+row(2, "-1"), Options{})
	if err != nil || fmt.Sprint(got) != "[-1.5 column_count]" {
		t.Errorf("%v, %v", got, err)
	}
}

// TestWhatIsNoFileSaysWhatToDo opens a folder and an empty file.
func TestWhatIsNoFileSaysWhatToDo(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.csv")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{filepath.Dir(empty): "is a folder", empty: "the file is empty"} {
		_, err := Open(t.Context(), artifact.New(t.Context()), url, Options{})
		if fault.ExitCode(err) != fault.ExitData || fault.Hint(err) == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want bad data that %s, with what to do, got %v (%d), %q", url, want, err, fault.ExitCode(err),
				fault.Hint(err))
		}
	}
}
