package table

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTablesFit has cells that are too long go on in the next line, or stand above their row; nothing is left out.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	class := `Holded\Wallet\Domain\Subscription\Events\WalletSubscriptionFailedEvent`
	fill := func(made *Table) string {
		made.AlignRight("events")
		made.Add(class, "customer_management", strings.Repeat("word ", 12)+"end", "1,234,567")
		made.Add("", "", strings.Repeat("x", 150), "1")
		var out strings.Builder
		made.Print(&out)
		return out.String()
	}
	heading := []string{"type", "context", "detail", "events"}
	for name, c := range map[string]struct{ got, want string }{
		"above": {fill(New(heading...).Own("type", "context").Fold("detail")), class + "  customer_management\n  word word"},
		"fold":  {fill(New(heading...).Fold("type", "detail", "context")), `Subscription\`},
	} {
		for line := range strings.Lines(c.got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > Width {
				t.Errorf("%s: a line of %d columns: %s", name, n, line)
			}
		}
		joined := strings.Join(strings.Fields(c.got), "")
		if !strings.Contains(c.got, c.want) || strings.Count(joined, "word") != 12 || strings.Count(joined, "x") != 151 ||
			!strings.Contains(c.got, "1,234,567\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, c.got, c.want)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "short": "short", "one two three": "one two|three",
		"abcdefghijklmnop": "abcdefghij|klmnop", "ab cd/efghijk": "ab cd/|efghijk", "0123456789 b": "0123456789|b",
		"é漢é漢é漢é漢é漢é漢": "é漢é漢é漢é漢é漢|é漢"} {
		if got := strings.Join(Fold(text, 10), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
