package kafka

import (
	"errors"
	"testing"
	"time"
)

// TestBackoff doubles the wait up to its cap, with jitter, and begins again after a commit.
func TestBackoff(t *testing.T) {
	t.Parallel()
	now, random := time.Unix(0, 0), 0.
	b := newBackoff()
	b.now, b.random = func() time.Time { return now }, func() float64 { return random }
	cause := errors.New("no such topic")
	for i := range 100 {
		want := min(backoffFirst<<min(i, 10), backoffMost)
		random = 0
		b.aborted(cause)
		total, least, err := b.state()
		if total != int64(i)+1 || !errors.Is(err, cause) || least != want/2 {
			t.Fatalf("abort %d: %d, %s, %v", i, total, least, err)
		}
		b.row, b.total, random = b.row-1, b.total-1, 0.999999999
		b.aborted(cause)
		if _, most, _ := b.state(); most > want || most < want*9/10 {
			t.Fatalf("abort %d: waits %s at the most, want nearly %s", i, most, want)
		}
	}
	now = now.Add(backoffMost)
	if _, left, err := b.state(); left != 0 || err == nil {
		t.Errorf("after the wait %s are left, %v", left, err)
	}
	b.aborted(cause)
	b.committed()
	if total, left, err := b.state(); total != 101 || left != 0 || err != nil {
		t.Errorf("after a commit: %d, %s, %v", total, left, err)
	}
	random = 0
	b.aborted(cause)
	if _, left, _ := b.state(); left != backoffFirst/2 {
		t.Errorf("the first wait after a commit is %s", left)
	}
}
