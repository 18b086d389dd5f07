// Package tabletest compares what commands print with the width that tables may have.
package tabletest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txflow/txflow/cmd/internal/table"
)

// Fits fails on lines that are wider than tables may be, and on texts that are not there: those that were cut off.
// Texts may be broken into lines.
func Fits(t *testing.T, printed string, has ...string) {
	t.Helper()
	for line := range strings.Lines(printed) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > table.Width {
			t.Errorf("a line of %d columns, more than %d:\n%s", n, table.Width, line)
		}
	}
	joined := strings.Join(strings.Fields(printed), "")
	for _, text := range has {
		if !strings.Contains(joined, strings.Join(strings.Fields(text), "")) {
			t.Errorf("there is no %q in\n%s", text, printed)
		}
	}
}
