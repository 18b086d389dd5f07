package main

import (
	"context"
	"fmt"
	"io"

	"github.com/txflow/txflow/internal/fault"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/data"
)

// pace is how traffic comes: messages a second in the long run, and how many at once.
type pace struct {
	rate  float64
	burst int
}

// profiles are ready ones: the same number of messages, a few all the time or many now and then.
var profiles = map[string]pace{"": {}, "small": {1000, 10}, "large": {1000, 20_000}}

func paceOf(c *cli.Context) (p pace, err error) {
	p, ok := profiles[c.String("profile")]
	if !ok {
		err = fmt.Errorf("--profile is %q: it must be small or large", c.String("profile"))
	}
	if c.IsSet("rate") {
		p.rate = c.Float64("rate")
	}
	if c.IsSet("burst") || p.burst == 0 {
		p.burst = c.Int("burst")
	}
	return p, err
}

// generated opens generated rows where a file is expected.
type generated struct {
	rows int64
	seed uint64
}

const endless = 1 << 40

func (g generated) OpenSource(ctx context.Context, _ string) (io.ReadCloser, error) {
	options := data.Options{Rows: g.rows, Seed: g.seed}
	if g.rows == 0 {
		options.Rows = endless
	}
	if err := options.Validate(); err != nil {
		return nil, fault.Fail(fault.ExitUsage, err)
	}
	r, w := io.Pipe()
	go func() {
		_, err := data.Generate(ctx, w, options)
		w.CloseWithError(err)
	}()
	return r, nil
}
