package embedded_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// result is a row of the table in docs/security.md.
type result struct {
	attack string
	tried  int
	failed bool
}

var writeReport = flag.Bool("write-report", false, "write the table of docs/security.md")

const (
	report     = "../../docs/security.md"
	tableBegin = "<!-- written by go test ./internal/embedded -run TestAttacks -write-report -->\n"
	tableEnd   = "<!-- end -->\n"
)

// compareReport compares the table in the documentation with what was tried just now, or writes it.
func compareReport(t *testing.T, results []result) {
	t.Helper()
	var table strings.Builder
	table.WriteString("| attack | tried | succeeded |\n| --- | --- | --- |\n")
	for _, r := range results {
		outcome := "0"
		if r.failed {
			outcome = "**some**"
		}
		fmt.Fprintf(&table, "| %s | %d | %s |\n", r.attack, r.tried, outcome)
	}
	text, err := os.ReadFile(report)
	must(t, err)
	head, rest, ok := strings.Cut(string(text), tableBegin)
	old, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", report)
	}
	if old == table.String() {
		return
	}
	if !*writeReport {
		t.Errorf("%s is not what was tried: run this test with -write-report\n%s", report, table.String())
		return
	}
	must(t, os.WriteFile(report, []byte(head+tableBegin+table.String()+tableEnd+tail), 0o644))
}
