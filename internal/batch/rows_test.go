package batch_test

import (
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

// row is a valid row with the given texts.
func row(t testing.TB, sourceID, description, merchant, amount string) batch.Row {
	t.Helper()
	id, ok := transaction.ParseUUID([]byte("b9fa6684-502b-4695-8f92-247432ba610d"))
	value, code := transaction.ParseAmount([]byte(amount), '.')
	at, okTime := transaction.ParseTimestamp([]byte("2024-02-29 23:59:59.999999"))
	side, okSide := transaction.ParseSide([]byte("debit"))
	if !ok || code != transaction.CodeOK || !okTime || !okSide {
		t.Fatalf("not a row: %q", amount)
	}
	return batch.Row{ContentHash: 0xfedcba9876543210, File: 3, Line: 1<<64 - 1, Transaction: transaction.Transaction{
		ID: id, SourceID: sourceID, Description: description, Amount: value, Timestamp: at, Merchant: merchant,
		HasMerchant: merchant != "<null>", OperationType: "card", Side: side}}
}

// decoded reads the rows back that text holds.
func decoded(t testing.TB, text []byte) (rows []batch.Row) {
	t.Helper()
	var decoder batch.RowDecoder
	var r batch.Row
	if err := decoder.Each(text, &r, func() { rows = append(rows, r) }); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestRowsAreReadBackAsWritten(t *testing.T) {
	t.Parallel()
	var text []byte
	var want []batch.Row
	for _, c := range [][2]string{{"", "<null>"}, {"plain", "shop"}, {"tab\tnewline\nreturn\r", "nul\x00"}, {`\`, `\N`},
		{`\t\n\0`, `\\`},
		{"\u202e right to left", "\U0001f4b6"}, {strings.Repeat("x", 1<<16), ""}} {
		for _, amount := range []string{"-0.0001", "-99999999999999.9999"} {
			r := row(t, c[0], c[0], c[1], amount)
			if !r.Transaction.HasMerchant {
				r.Transaction.Merchant = ""
			}
			text, want = batch.AppendRow(text, &r), append(want, r)
		}
	}
	got := decoded(t, text)
	if len(got) != len(want) || strings.Count(string(text), "\n") != len(want) {
		t.Fatalf("%d rows of %d, in %d lines", len(got), len(want), strings.Count(string(text), "\n"))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func FuzzRow(f *testing.F) {
	f.Add("1", "a\tb", `\N`)
	f.Add("", "\\", "\x00")
	f.Fuzz(func(t *testing.T, sourceID, description, merchant string) {
		want := row(t, sourceID, description, merchant, "-1.5")
		if !want.Transaction.HasMerchant {
			want.Transaction.Merchant = ""
		}
		text := batch.AppendRow(nil, &want)
		if got := decoded(t, text); len(got) != 1 || got[0] != want {
			t.Errorf("%q\n got %+v\nwant %+v", text, got, want)
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	r := row(f, "7", "text", "shop", "-2")
	f.Add(batch.AppendRow(nil, &r))
	f.Add([]byte("\t\t\t\t\t\t\t\t\t\t\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var decoder batch.RowDecoder
		var r batch.Row
		err := decoder.Each(text, &r, func() {
			if back := decoded(t, batch.AppendRow(nil, &r)); len(back) != 1 || back[0] != r {
				t.Errorf("%+v becomes %+v", r, back)
			}
		})
		if err != nil && fault.ExitCode(err) != fault.ExitData {
			t.Errorf("exit code %d: %v", fault.ExitCode(err), err)
		}
	})
}

func TestRepeatsAreReadBackAsWritten(t *testing.T) {
	t.Parallel()
	r := row(t, "1", "", "", "-1")
	want := batch.Repeat{ID: r.Transaction.ID, ContentHash: 1<<64 - 1, File: 2, Line: 1<<63 - 1, FirstFile: 1,
		FirstLine: 4}
	line := batch.AppendRepeat(nil, &want)
	if got, err := batch.ParseRepeat(line[:len(line)-1]); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, damaged := range []string{"", "a\tb\tc\td\te\tf", strings.Replace(string(line[:len(line)-1]), "\t2\t", "\t-2\t",
		1), string(line) + "\t1"} {
		if got, err := batch.ParseRepeat([]byte(damaged)); err == nil {
			t.Errorf("%q is read as %+v", damaged, got)
		}
	}
}
