package table

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPrint aligns by characters, not by bytes, and cuts lines that are too long for the screen.
func TestPrint(t *testing.T) {
	t.Parallel()
	shown := New("name", "rows").AlignRight("rows")
	shown.Add("é漢", "1")
	shown.Add("a", "1,000")
	var out strings.Builder
	shown.Print(&out)
	const want = "name   rows\n----  -----\né漢        1\na     1,000\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	shown.Columns = 9
	shown.Print(&out)
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 9 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	if !strings.Contains(out.String(), "a     1,…\n") {
		t.Errorf("what is cut is not marked:\n%s", out.String())
	}
}

// TestPrintWithoutRows still has the header.
func TestPrintWithoutRows(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	New("a", "bc").Print(&out)
	if out.String() != "a  bc\n-  --\n" {
		t.Errorf("printed %q", out.String())
	}
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "one": "one", "one\ntwo\n": "one", "\ntwo": ""} {
		if got := FirstLine(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
