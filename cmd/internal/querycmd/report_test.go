package querycmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/store"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for decimal, want := range map[string]string{"0.0000": "0.00", "1234.5000": "1,234.50",
		"-1234567.8912": "-1,234,567.8912", "-12.3000": "-12.30",
		"999.9990": "999.999", "123456.0000": "123,456.00"} {
		if got := money(decimal); got != want {
			t.Errorf("%s: %s, want %s", decimal, got, want)
		}
	}
}

// TestReportTable limits the lines, never the total.
func TestReportTable(t *testing.T) {
	t.Parallel()
	rows := []store.ReportRow{
		{Keys: []string{"Food"}, Transactions: 1000, Debit: "-2000.0000", Credit: "0.0000", Net: "-2000.0000"},
		{Keys: []string{"Rent"}, Transactions: 2, Debit: "-0.0001", Credit: "10.0000", Net: "9.9999"},
	}
	var b strings.Builder
	if shown := ReportTable(&b, "category", rows, 1); shown != 1 {
		t.Errorf("shown: %d", shown)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if got := strings.Join(strings.Fields(lines[len(lines)-1]), " "); len(lines) != 4 ||
		got != "total 1,002 -2,000.0001 10.00 -1,990.0001" {
		t.Errorf("%d lines, the last: %s", len(lines), got)
	}
}

// TestReportIsNoSpreadsheetProgram writes CSV of merchants who call themselves a formula.
func TestReportIsNoSpreadsheetProgram(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"} {
		var out bytes.Buffer
		if err := reportCSV(&out, "merchant",
			[]store.ReportRow{{Keys: []string{text}, Debit: "-1.5", Credit: "0", Net: "-1.5"}}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "'"+text) || strings.Contains(out.String(), "'-1.5") {
			t.Errorf("%q becomes %q", text, out.String())
		}
	}
}
