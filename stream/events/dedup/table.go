package dedup

import (
	"math/bits"

	"github.com/txflow/txflow/internal/event"
)

// entry is a claim in a table: 32 bytes.
type entry struct {
	id   event.ID
	hash uint64
	at   uint64 // the offset + 1, and above it the hour within the bucket; 0: the place is free
}

const (
	entrySize  = 32
	offsetBits = 56
	offsetMask = 1<<offsetBits - 1
)

func newEntry(id *event.ID, offset, hour int64, hash uint64) entry {
	return entry{id: *id, hash: hash, at: uint64(hour)<<offsetBits | uint64(offset+1)}
}

func (e *entry) offset() int64 { return int64(e.at&offsetMask) - 1 } // 56 bits
func (e *entry) hour() int64   { return int64(e.at >> offsetBits) }  // 8 bits

// table is a hash table by open addressing, in memory that the garbage collector does not know. It is made of parts
// that grow one at a time, by a quarter, so that it is well filled and never copied as a whole.
type table struct {
	seed  uint64
	parts [parts]part
	ids   int
}

const parts = 16

type part struct {
	places []entry
	used   int
}

// Places of a new part, and how many of 16 places are used at most.
const (
	firstPlaces = 16
	most16th    = 13
)

// mix spreads the bits of an id, by a seed that nobody outside knows.
func mix(id *event.ID, seed uint64) uint64 {
	var a, b uint64
	for i := range 8 {
		a, b = a<<8|uint64(id[i]), b<<8|uint64(id[i+8])
	}
	high, low := bits.Mul64(a^seed, b^0x9e3779b97f4a7c15)
	high2, low2 := bits.Mul64(high^low^seed, 0xd6e8feb86659fd93)
	return high2 ^ low2
}

// find is the claim of an id, nil where the table has none.
func (t *table) find(id *event.ID) *entry {
	h := mix(id, t.seed)
	p := &t.parts[h%parts]
	if len(p.places) == 0 {
		return nil
	}
	for i := p.start(h); ; {
		e := &p.places[i]
		if e.at == 0 {
			return nil
		}
		if e.id == *id {
			return e
		}
		if i++; i == len(p.places) {
			i = 0
		}
	}
}

// start is the place where the search for a hash begins.
func (p *part) start(h uint64) int {
	high, _ := bits.Mul64(h, uint64(len(p.places)))
	return int(high)
}

// add makes a claim of an id that the table does not have.
func (t *table) add(id *event.ID, offset, hour int64, hash uint64) {
	p := &t.parts[mix(id, t.seed)%parts]
	if p.used*16 >= len(p.places)*most16th {
		p.grow(t.seed)
	}
	p.place(t.seed, newEntry(id, offset, hour, hash))
	p.used++
	t.ids++
}

func (p *part) place(seed uint64, e entry) {
	i := p.start(mix(&e.id, seed))
	for p.places[i].at != 0 {
		if i++; i == len(p.places) {
			i = 0
		}
	}
	p.places[i] = e
}

func (p *part) grow(seed uint64) {
	old := p.places
	p.places = allocate(max(firstPlaces, len(old)+len(old)/4))
	for i := range old {
		if old[i].at != 0 {
			p.place(seed, old[i])
		}
	}
	release(old)
}

// free gives the memory back. The table is empty then.
func (t *table) free() {
	for i := range t.parts {
		release(t.parts[i].places)
		t.parts[i] = part{}
	}
	t.ids = 0
}

// bytes is the memory that the table takes.
func (t *table) bytes() (n int64) {
	for i := range t.parts {
		n += int64(len(t.parts[i].places)) * entrySize
	}
	return n
}
