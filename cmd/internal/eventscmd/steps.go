package eventscmd

import (
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/display"
)

// steps shows what a command is doing: a line for each step, and how far it is from time to time.
type steps struct {
	w    io.Writer
	step string
	said time.Time
}

func newSteps(rt *app.Runtime) *steps { return &steps{w: rt.Stderr} }

// sayEvery is how often a long step says how far it is.
const sayEvery = 5 * time.Second

// at takes a step that begins, with -1, and what is done of it.
func (s *steps) at(step string, done int64) {
	now := time.Now()
	switch {
	case step != s.step:
		s.step, s.said = step, now
		_, _ = fmt.Fprintln(s.w, step)
	case done >= 0 && now.Sub(s.said) >= sayEvery:
		s.said = now
		_, _ = fmt.Fprintf(s.w, "%s: %s\n", step, display.Thousands(done))
	}
}
