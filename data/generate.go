// Package data makes sample transactions in the dialect and shape of a real bank file, of any size, clean or dirty. The
// same options make the same bytes for ever.
package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// Options say what to generate. The zero value of everything but Rows is the real file's dialect without faults.
type Options struct {
	Rows     int64
	Seed     uint64
	FirstID  uint64 // 0 counts from 1
	Dialect  Dialect
	Dirty    float64          // share of rows that are not ordinary, 0 to 1; see Kinds
	Progress func(rows int64) // called now and then; may be nil
}

// Validate reports every fault of the options.
func (o *Options) Validate() error {
	var errs []error
	if o.Rows < 0 {
		errs = append(errs, fmt.Errorf("--rows is %d: it must be 0 or more", o.Rows))
	}
	if !(o.Dirty >= 0 && o.Dirty <= 1) {
		errs = append(errs, fmt.Errorf("a dirty share of %v: 0 to 1", o.Dirty))
	}
	return errors.Join(append(errs, o.Dialect.validate())...)
}

// Key is what a reader must find: the answers to the file.
type Key struct {
	Rows       int64            `json:"rows"` // records after the header
	Accepted   int64            `json:"accepted"`
	Duplicates int64            `json:"duplicates"`
	Rejected   int64            `json:"rejected"`
	Codes      map[string]int64 `json:"codes"` // rejects by code
	Kinds      map[string]int64 `json:"kinds"` // rows by what is odd about them, accepted ones too
}

const flushBytes = 256 << 10

// Generate writes a file to w in pieces of 256 KiB and returns its answers.
func Generate(ctx context.Context, w io.Writer, o Options) (Key, error) {
	if err := o.Validate(); err != nil {
		return Key{}, err
	}
	if o.FirstID == 0 {
		o.FirstID = 1
	}
	g := newGenerator(o)
	b := g.dialect.appendHeader(make([]byte, 0, flushBytes+2*textLimit))
	for n := int64(0); n < o.Rows; n++ {
		b = g.next(b)
		if len(b) < flushBytes {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Key{}, err
		}
		if _, err := w.Write(b); err != nil {
			return Key{}, fmt.Errorf("write generated rows: %w", err)
		}
		b = b[:0]
		if o.Progress != nil {
			o.Progress(n + 1)
		}
	}
	if _, err := w.Write(b); err != nil {
		return Key{}, fmt.Errorf("write generated rows: %w", err)
	}
	if o.Progress != nil {
		o.Progress(o.Rows)
	}
	return g.key, nil
}

// row is an ordinary row; its words are indexes into the vocabulary.
type row struct {
	id                               uint64
	description, merchant, op        uint8
	debit                            bool
	cents, day, hour, minute, second uint32
}

// generator draws from PCG by itself: math/rand's own reductions may change with Go.
type generator struct {
	random  *rand.PCG
	dialect writer
	nextID  uint64
	faults  *faults // nil for a clean file
	key     Key
}

func newGenerator(o Options) *generator {
	g := &generator{random: rand.NewPCG(o.Seed, 0x7478666c6f77), dialect: newWriter(o.Dialect), nextID: o.FirstID,
		key: Key{Codes: map[string]int64{}, Kinds: map[string]int64{}}}
	if o.Dirty > 0 {
		g.faults = newFaults(o.Dirty)
	}
	return g
}

func (g *generator) next(b []byte) []byte {
	r := g.draw()
	g.key.Rows++
	if g.faults != nil {
		if kind := g.faults.choose(g.random); kind != nil {
			return g.appendOdd(b, kind, &r)
		}
		g.faults.remember(r)
	}
	g.key.Accepted++
	return g.dialect.appendRow(b, &r)
}

// draw takes three numbers a row.
func (g *generator) draw() row {
	a, m, t := g.random.Uint64(), g.random.Uint64(), g.random.Uint64()
	r := row{id: g.nextID, description: uint8(below(a, 0, len(descriptions))),
		merchant: uint8(below(a, 16, len(merchants))),
		op:       uint8(below(a, 32, len(operations))), debit: below(a, 48, 1000) < debitShare}
	g.nextID++
	limit := uint64(maxCredit)
	if r.debit {
		limit = maxDebit
	}
	r.cents = uint32((m>>32)*limit>>32) + 1
	second := uint32((t >> 32) * uint64(days*secondsPerDay) >> 32)
	r.day, second = second/uint32(secondsPerDay), second%uint32(secondsPerDay)
	r.hour, r.minute, r.second = second/3600, second/60%60, second%60
	return r
}

// below reduces 16 bits of a random number to [0, n).
func below(random uint64, shift, n int) int { return int(random >> shift & 0xffff * uint64(n) >> 16) }
