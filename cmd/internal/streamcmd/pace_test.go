package streamcmd

import (
	"bufio"
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/txflow/txflow/data"
)

// A producer that is started again sends other transactions with --first-id now, and the same ones without it.
func TestFirstID(t *testing.T) {
	t.Parallel()
	row := func(text string, now time.Time) string {
		id, err := firstID(text, now)
		if err != nil {
			t.Fatal(err)
		}
		r, err := data.Opener{Rows: 1, Seed: 1, FirstID: id}.OpenSource(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if found := regexp.MustCompile(`^"?([0-9]+)`).FindStringSubmatch(lines.Text()); found != nil {
				return found[1]
			}
		}
		t.Fatalf("no row: %v", lines.Err())
		return ""
	}
	start := time.UnixMicro(1_700_000_000_000_000)
	for _, c := range []struct{ text, first, second string }{
		{"1", "1", "1"},
		{"77", "77", "77"},
		{"now", "1700000000000000", "1700000001000000"},
	} {
		if first, second := row(c.text, start), row(c.text, start.Add(time.Second)); first != c.first || second != c.second {
			t.Errorf("--first-id %s: %s, then %s", c.text, first, second)
		}
	}
	for _, text := range []string{"0", "-1", "", "soon", "9223372036854775808"} {
		if id, err := firstID(text, start); err == nil {
			t.Errorf("--first-id %q is %d", text, id)
		}
	}
}
