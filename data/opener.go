package data

import (
	"context"
	"io"

	"github.com/txflow/txflow/internal/fault"
)

// Opener opens generated rows where a file is expected. With Rows 0 they have no end.
type Opener struct {
	Rows    int64
	Seed    uint64
	FirstID uint64
}

const endless = 1 << 40

// OpenSource implements source.Opener.
func (g Opener) OpenSource(ctx context.Context, _ string) (io.ReadCloser, error) {
	options := Options{Rows: g.Rows, Seed: g.Seed, FirstID: g.FirstID}
	if g.Rows == 0 {
		options.Rows = endless
	}
	if err := options.Validate(); err != nil {
		return nil, fault.Fail(fault.ExitUsage, err)
	}
	r, w := io.Pipe()
	go func() {
		_, err := Generate(ctx, w, options)
		w.CloseWithError(err)
	}()
	return r, nil
}
