package data

import (
	"bytes"
	"math/rand/v2"

	"github.com/txflow/txflow/internal/transaction"
)

// Fate is what must become of a row.
type Fate int

// A row of a rejecting kind has a code; the others end so.
const (
	Accepted Fate = iota
	Duplicate
	Rejected
)

// Kind is one way for a row to be odd.
type Kind struct {
	Name string
	Fate Fate
	Code transaction.Code // of the reject
	bend func(*odd)
	long bool // tens of kilobytes: once in sixteen rounds
	old  bool // says again the id of an earlier row
}

// odd is a row on its way to be bent. Values are the row's fields in the contract's order.
type odd struct {
	w        *writer
	row      *row
	values   [len(transaction.Columns)][]byte
	quote    [len(transaction.Columns)]bool
	verbatim [len(transaction.Columns)]bool // goes out as it is, against the rules of quoting
	fewer    int                            // fields to leave out at the end
	more     []byte                         // what follows the last field
	before   string                         // what stands before the record
	random   uint64
}

func (o *odd) set(column int, value string) { o.values[column] = []byte(value) }

// appendOdd appends a row of a kind and counts it.
func (g *generator) appendOdd(b []byte, kind *Kind, r *row) []byte {
	if kind.old {
		*r = g.faults.recall(g.random.Uint64())
	}
	o := odd{w: &g.dialect, row: r, random: g.random.Uint64()}
	for column := range o.values {
		o.values[column] = g.dialect.appendValue(nil, r, column)
		o.quote[column] = column != transaction.ColID && column != transaction.ColAmount
	}
	kind.bend(&o)
	g.key.Kinds[kind.Name]++
	switch kind.Fate {
	case Accepted:
		g.key.Accepted++
	case Duplicate:
		g.key.Duplicates++
	case Rejected:
		g.key.Rejected++
		g.key.Codes[string(kind.Code)]++
	}
	return o.append(b)
}

func (o *odd) append(b []byte) []byte {
	b = append(b, o.before...)
	special := []byte{o.w.Delimiter, '"', '\r', '\n'}
	for i, column := range o.w.order[:len(o.w.order)-o.fewer] {
		if i > 0 {
			b = append(b, o.w.Delimiter)
		}
		value := o.values[column]
		switch {
		case o.verbatim[column] || !o.quote[column] && !bytes.ContainsAny(value, string(special)):
			b = append(b, value...)
		default:
			b = append(append(append(b, '"'), bytes.ReplaceAll(value, []byte{'"'}, []byte(`""`))...), '"')
		}
	}
	return append(append(b, o.more...), o.w.end...)
}

// faults deals the kinds out in turn, so that their rates are known and each is there after one round.
type faults struct {
	threshold uint64
	turn      int
	round     int
	earlier   [64]row // accepted, ordinary ones
	known     uint64
}

func newFaults(share float64) *faults {
	return &faults{threshold: uint64(share * (1 << 32))}
}

// choose returns nil for an ordinary row. The first row is ordinary, so that there is one to repeat.
func (f *faults) choose(random *rand.PCG) *Kind {
	if odd := random.Uint64()>>32 < f.threshold; !odd || f.known == 0 {
		return nil
	}
	for {
		kind := &kinds[f.turn]
		round := f.round
		if f.turn++; f.turn == len(kinds) {
			f.turn, f.round = 0, f.round+1
		}
		if !kind.long || round%16 == 0 {
			return kind
		}
	}
}

func (f *faults) remember(r row) {
	f.earlier[f.known%uint64(len(f.earlier))] = r
	f.known++
}

func (f *faults) recall(random uint64) row {
	return f.earlier[random%min(f.known, uint64(len(f.earlier)))]
}
