package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/internal/display"
)

// Ticker shows a count that has no end: a line that renews itself on a terminal, else one every ten seconds.
type Ticker struct {
	out         io.Writer
	what, end   string
	every       time.Duration
	start, last time.Time
}

// NewTicker shows on out what is counted.
func NewTicker(out io.Writer, terminal bool, what string) *Ticker {
	t := &Ticker{out: out, what: what, end: "\n", every: 10 * time.Second, start: time.Now()}
	if terminal {
		t.end, t.every = "\r", 200*time.Millisecond
	}
	t.last = t.start
	return t
}

// Tick shows the count, if it is time.
func (t *Ticker) Tick(n int64) {
	if now := time.Now(); now.Sub(t.last) >= t.every {
		t.last = now
		_, _ = fmt.Fprintf(t.out, "%s %s, %s a second%s", t.what, display.Thousands(n),
			display.Thousands(int64(float64(n)/now.Sub(t.start).Seconds())), t.end)
	}
}
