package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/store"
)

// hostile are texts that a bank's customer may choose, and what a table shows of them.
var hostile = map[string]string{
	"a\nb": `a\nb`, "\x1b[2J\x1b[31mred": `\x1b[2J\x1b[31mred`, "a\rb\tc": `a\rb\tc`, "\u202egnp.exe": `\u202egnp.exe`,
	"a\u2028b": `a\u2028b`, "\x9b31m": `\x9b31m`,
	"\u009b31m": `\u009b31m`, "a\x00\x7fb": `a\x00\x7fb`, "caf\u00e9 \u65e5\u672c \\n": "caf\u00e9 \u65e5\u672c \\n",
	"zero\u200bwidth": `zero\u200bwidth`,
}

// TestStoredTextNeverReachesATerminalRaw prints hostile text in each way in which text is printed.
func TestStoredTextNeverReachesATerminalRaw(t *testing.T) {
	t.Parallel()
	for text, want := range hostile {
		var out bytes.Buffer
		table := newTable("merchant", "n")
		table.add(text, "1")
		table.print(&out)
		reportTable(&out, "merchant", []store.ReportRow{{Keys: []string{text}}}, 0)
		if err := showLineage(&out, &store.Lineage{ID: text}); err != nil {
			t.Fatal(err)
		}
		showDeadLetter(&out, &ledger.DeadLetterState{Origin: ledger.Origin{Origin: text}})
		if got := strings.Count(out.String(), want); got != 4 {
			t.Errorf("%q is shown as %q in %d of 4 places:\n%s", text, want, got, out.String())
		}
		if want != text && strings.Contains(out.String(), text) {
			t.Errorf("%q reaches the terminal", text)
		}
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

// TestQuestionsDoNotWait asks a ClickHouse that is not there: the answer says what to start, at once.
func TestQuestionsDoNotWait(t *testing.T) {
	t.Parallel()
	p := place{t: t, dir: t.TempDir()}
	for _, command := range []string{"report", "runs", "lineage 1", "dlq list", "dlq show a 0 1", "dlq replay --dry-run",
		"dlq purge --all --dry-run"} {
		started := time.Now()
		code, r := p.run(append(strings.Fields(command), "--clickhouse-url", "http://127.0.0.1:1")...)
		if code != fault.ExitUnavailable || !strings.Contains(r.stderr.String(), "txflow platform") {
			t.Errorf("%s: exit %d, %s", command, code, r.stderr.String())
		}
		if took := time.Since(started); took > 30*time.Second {
			t.Errorf("%s took %s", command, took)
		}
	}
	if code, r := p.run("runs", "--clickhouse-url", "http://127.0.0.1:1", "--clickhouse-outage",
		"1s"); code != fault.ExitTryAgain || !strings.Contains(r.stderr.String(), "was unavailable for") {
		t.Errorf("runs that may wait: exit %d, %s", code, r.stderr.String())
	}
}
