package inflight

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadBody reads bodies of every announcement: what is announced is not believed, what is held is released, and a
// body at the limit is read while one of a byte more is not.
func TestReadBody(t *testing.T) {
	t.Parallel()
	const limit = 3000
	cut := io.MultiReader(strings.NewReader("part"), iotest.ErrReader(io.ErrUnexpectedEOF))
	for name, c := range map[string]struct {
		body      io.Reader
		announced int64
		budget    int64
		size      int
		err       error
	}{
		"empty":                      {strings.NewReader(""), 0, limit, 0, nil},
		"at the limit":               {bytes.NewReader(make([]byte, limit)), limit, limit, limit, nil},
		"at the limit, unannounced":  {bytes.NewReader(make([]byte, limit)), -1, limit, limit, nil},
		"a byte more":                {bytes.NewReader(make([]byte, limit+1)), -1, 10 * limit, 0, ErrTooLarge},
		"announced as too large":     {strings.NewReader(""), limit + 1, limit, 0, ErrTooLarge},
		"longer than announced":      {bytes.NewReader(make([]byte, 200)), 100, limit, 200, nil},
		"shorter than announced":     {bytes.NewReader(make([]byte, 100)), 200, limit, 100, nil},
		"a byte at a time":           {iotest.OneByteReader(bytes.NewReader(make([]byte, 2500))), -1, limit, 2500, nil},
		"data and end at once":       {iotest.DataErrReader(bytes.NewReader(make([]byte, 700))), -1, limit, 700, nil},
		"more than the budget":       {bytes.NewReader(make([]byte, 2000)), -1, 1000, 0, ErrBusy},
		"announced above the budget": {bytes.NewReader(make([]byte, 2000)), 2000, 1000, 0, ErrBusy},
		"cut off":                    {cut, -1, limit, 0, io.ErrUnexpectedEOF},
	} {
		budget := &Budget{Limit: c.budget}
		lease := &Lease{Of: budget}
		got, err := ReadBody(nil, c.body, c.announced, limit, lease)
		if !errors.Is(err, c.err) || c.err == nil && (err != nil || len(got) != c.size) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if used := budget.Used(); used > c.budget || int64(min(cap(got), limit)) > used && err == nil {
			t.Errorf("%s: %d bytes are held for a buffer of %d", name, used, cap(got))
		}
		if errors.Is(err, ErrBusy) && int64(cap(got)) > c.budget {
			t.Errorf("%s: %d bytes are taken that nobody gave", name, cap(got))
		}
		lease.Release()
		lease.Release()
		if budget.Used() != 0 {
			t.Errorf("%s: %d bytes are held after the release", name, budget.Used())
		}
	}
}

// TestAnnouncedMemory announces a lot and sends nothing.
func TestAnnouncedMemory(t *testing.T) {
	t.Parallel()
	budget := &Budget{Limit: 1 << 40}
	lease := &Lease{Of: budget}
	defer lease.Release()
	if got, err := ReadBody(nil, strings.NewReader("x"), 1<<39, 1<<39, lease); err != nil || cap(got) > 128<<10 ||
		budget.Used() > 128<<10 {
		t.Errorf("%d bytes of memory, %d are held, %v", cap(got), budget.Used(), err)
	}
}

// TestLeasesShareABudget has one request hold so much that the other waits.
func TestLeasesShareABudget(t *testing.T) {
	t.Parallel()
	budget := &Budget{Limit: 10}
	a, b := &Lease{Of: budget}, &Lease{Of: budget}
	if !a.Grow(7) || b.Grow(4) || !b.Grow(3) || a.Grow(8) || !a.Grow(2) || budget.Used() != 10 {
		t.Errorf("%d bytes are held", budget.Used())
	}
	if a.Release(); !b.Grow(10) || budget.Used() != 10 {
		t.Errorf("%d bytes are held after a release", budget.Used())
	}
}
