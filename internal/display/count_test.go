package display

import "testing"

func TestCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n         int64
		one, want string
	}{
		{0, "dead letter", "0 dead letters are"},
		{1, "dead letter", "1 dead letter is"},
		{2, "dead letter", "2 dead letters are"},
		{-1, "row", "-1 rows are"},
		{1234567, "event", "1,234,567 events are"},
		{1, "person", "1 person is"},
		{3, "person", "3 persons are"},
		{1, "mismatch", "1 mismatch is"},
		{2, "mismatch", "2 mismatches are"},
		{2, "entry", "2 entries are"},
		{2, "day", "2 days are"},
		{2, "index", "2 indexes are"},
		{2, "process", "2 processes are"},
	} {
		if got := Count(c.n, c.one) + " " + Are(c.n); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := Count(uint64(1), "byte") + ", " + Count(2, "byte"); got != "1 byte, 2 bytes" {
		t.Error(got)
	}
}
