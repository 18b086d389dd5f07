package app

import (
	"fmt"
	"io"
	"sync"

	"github.com/txflow/txflow/internal/fault"
)

// output is stdout, which remembers what could not be written: help, tables and lines are printed by many hands, some
// of them the library's, and a command whose answer is cut off must not end as if all of it were there.
type output struct {
	to  io.Writer
	mu  sync.Mutex
	err error // the first one
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// failure is the error of what was lost; nil when everything was written.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fault.WithHint(fmt.Errorf("the output is incomplete: %w", o.err),
		"write it where there is room, and run the command again")
}
