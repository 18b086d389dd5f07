package main

import (
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/progress"
)

// ticker shows a count that has no end: a line that renews itself on a terminal, else one every ten seconds.
type ticker struct {
	out         io.Writer
	what, end   string
	every       time.Duration
	start, last time.Time
}

func newTicker(rt *app.Runtime, what string) *ticker {
	t := &ticker{out: rt.Stderr, what: what, end: "\n", every: 10 * time.Second, start: time.Now()}
	if rt.Interactive {
		t.end, t.every = "\r", 200*time.Millisecond
	}
	t.last = t.start
	return t
}

func (t *ticker) tick(n int64) {
	if now := time.Now(); now.Sub(t.last) >= t.every {
		t.last = now
		_, _ = fmt.Fprintf(t.out, "%s %s, %s a second%s", t.what, progress.Thousands(n),
			progress.Thousands(int64(float64(n)/now.Sub(t.start).Seconds())), t.end)
	}
}
