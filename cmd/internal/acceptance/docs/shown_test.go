package docs

import (
	"regexp"
	"strings"
	"testing"
)

var (
	escape    = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
	lineBreak = regexp.MustCompile(`\r*\n|\r+`)
)

// printed is what a terminal got, in lines; one that was written again in place is a line each time.
func printed(output string) []string {
	return lineBreak.Split(escape.ReplaceAllString(output, ""), -1)
}

// missing is the first of the shown lines that the output does not have after those before it, "" for none. In a shown
// line, … stands for anything and blanks for any blanks; a line of … alone stands for lines that are left out.
func missing(output string, shown []string) string {
	lines := printed(output)
	for _, want := range shown {
		if want = strings.TrimSpace(want); want == "" || want == "…" {
			continue
		}
		var pattern strings.Builder
		for _, word := range strings.Fields(want) {
			if pattern.Len() > 0 {
				pattern.WriteString(`\s+`)
			}
			pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(word), "…", ".*"))
		}
		like := regexp.MustCompile(`^\s*` + strings.NewReplacer(`\s+.*\s+`, `\s.*`, `\s+.*`, `.*`).Replace(pattern.String()) +
			`\s*$`)
		for found := false; !found; lines = lines[1:] {
			if len(lines) == 0 {
				return want
			}
			found = like.MatchString(lines[0])
		}
	}
	return ""
}

// TestMissing makes sure that output which is not as the page shows it is found.
func TestMissing(t *testing.T) {
	t.Parallel()
	const output = "loading\rloading 5\r\n\x1b[1mcategory\x1b[0m   transactions      net\n" +
		"Food              1,200  -17.50\nRent 3 4\n"
	for shown, want := range map[string]string{
		"category transactions net\n…\nRent 3 4": "", "loading 5\nFood … -17.50": "", "Food 1,200 …": "",
		"Food 900 …":       "Food 900 …",
		"Rent 3 4\nFood …": "Food …", "Food": "Food", "… 1,200 -17…": "", "Food 1,200-17.50": "Food 1,200-17.50",
		"Rent … 4":   "",
		"Rent 3 … 4": "", "\n\n": "", "…": "", "nothing": "nothing",
	} {
		if got := missing(output, strings.Split(shown, "\n")); got != want {
			t.Errorf("%q: %q is missing, not %q", shown, got, want)
		}
	}
}
