package dlqcmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/ledger"
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
		shown := table.New("merchant", "n")
		shown.Add(text, "1")
		shown.Print(&out)
		querycmd.ReportTable(&out, "merchant", []store.ReportRow{{Keys: []string{text}}}, 0)
		if err := querycmd.ShowLineage(&out, &store.Lineage{ID: text}); err != nil {
			t.Fatal(err)
		}
		showDeadLetter(&out, &ledger.DeadLetterState{Origin: ledger.Origin{Origin: text}})
		if got := strings.Count(out.String(), want); got != 4 {
			t.Errorf("%q is shown as %q in %d of 4 places:\n%s", text, want, got, out.String())
		}
		showDeadLetter(&out, &ledger.DeadLetterState{Key: []byte(text), Headers: []ledger.Header{{Name: text,
			Value: []byte(text)}}})
		if want != text && strings.Contains(out.String(), text) {
			t.Errorf("%q reaches the terminal", text)
		}
	}
}
