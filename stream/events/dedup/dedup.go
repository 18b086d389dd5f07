// Package dedup finds duplicates of events. What it says is a function of the log alone: whoever reads the same log
// from the same claims says the same, however often, whatever was aborted in between.
//
// An accepted record claims the id of its event, with its offset and the hash of its content. A record at an offset is
// a duplicate iff its id is claimed at a lower offset of the partition, within the window before it, with the same
// hash; with another hash it is a conflict. Time is that of the log, in 24ths of the window ("hours"), never the
// clock's.
//
// Claims of records that were not committed do no harm: the same records come again, and a claim counts only for
// records at higher offsets. So nothing is rolled back. But nothing may be forgotten either that a record which comes
// again would ask for: claims are dropped by the time of the last committed record.
package dedup

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// Claim says that a record was accepted.
type Claim struct {
	ID     event.ID
	Offset int64
	Time   int64 // of the log, in microseconds since 1970
	Hash   uint64
}

// Verdict is what a record is.
type Verdict uint8

// Verdicts.
const (
	Fresh     Verdict = iota // nobody claims its id
	Duplicate                // it was accepted before
	Conflict                 // its id was accepted before, with another content
)

// Windows are those of all partitions of a member, which share a bound. They are for one goroutine.
type Windows struct {
	hour int64 // microseconds
	most int
	ids  int
	all  map[int32]*window

	// Shortened is called when claims within the window are dropped for the bound: those of a partition up to a time, so
	// many.
	Shortened func(partition int32, upTo time.Time, ids int)
}

// hours is how many of its units a window has.
const hours = 24

// group is how many hours are in a bucket.
const group = 4

// shares is how many full buckets the bound allows for: so much of the claims is dropped at a time.
const shares = 8

// New makes windows of a length, for at most so many ids in all.
func New(length time.Duration, most int) *Windows {
	return &Windows{hour: max(1, length.Microseconds()/hours), most: most, all: map[int32]*window{}}
}

// window is that of one partition.
type window struct {
	buckets   []*bucket // by time; within a time by when they were made
	committed int64     // the hour of the last committed record
	shortened int64     // claims of hours before it are dropped for the bound
}

// bucket has the claims of some hours.
type bucket struct {
	first int64 // hour, a multiple of group
	last  int64 // hour of the latest claim
	table table
}

// Start begins a partition again, without claims. The last record that is committed is of a time; 0 if unknown.
func (w *Windows) Start(partition int32, committed int64) {
	w.Drop(partition)
	w.all[partition] = &window{committed: w.hourOf(committed)}
}

// Drop forgets a partition.
func (w *Windows) Drop(partition int32) {
	if of := w.all[partition]; of != nil {
		for _, b := range of.buckets {
			w.free(b)
		}
		delete(w.all, partition)
	}
}

// Reset forgets all partitions.
func (w *Windows) Reset() {
	for partition := range w.all {
		w.Drop(partition)
	}
}

func (w *Windows) free(b *bucket) {
	w.ids -= b.table.ids
	b.table.free()
}

func (w *Windows) hourOf(at int64) int64 { return max(at, 0) / w.hour }

// Judge says what a record is, and names the claim that it is measured by unless it is fresh.
func (w *Windows) Judge(partition int32, record *Claim) (Verdict, Claim) {
	of := w.all[partition]
	if of == nil {
		return Fresh, Claim{}
	}
	from := w.hourOf(record.Time) - hours
	for _, b := range slices.Backward(of.buckets) {
		if b.first+group <= from {
			break
		}
		e := b.table.find(&record.ID)
		if e == nil || e.offset() >= record.Offset || b.first+e.hour() < from {
			continue
		}
		first := Claim{ID: e.id, Offset: e.offset(), Time: (b.first + e.hour()) * w.hour, Hash: e.hash}
		if e.hash == record.Hash {
			return Duplicate, first
		}
		return Conflict, first
	}
	return Fresh, Claim{}
}

// Add claims the id of a fresh record. The same claim may be made again.
func (w *Windows) Add(partition int32, c *Claim) {
	of := w.all[partition]
	if of == nil {
		of = &window{}
		w.all[partition] = of
	}
	hour := w.hourOf(c.Time)
	first := hour - hour%group
	if of.past(first) {
		return
	}
	var last *bucket
	at := len(of.buckets)
	for ; at > 0 && of.buckets[at-1].first >= first; at-- {
		b := of.buckets[at-1]
		if b.first != first {
			continue
		}
		if e := b.table.find(&c.ID); e != nil {
			if c.Offset <= e.offset() { // that at the higher offset was not committed: it is measured by this one
				*e = newEntry(&c.ID, c.Offset, hour-first, c.Hash)
			}
			return
		}
		if last == nil {
			last = b
		}
	}
	if last == nil || last.table.ids >= w.share() {
		end := at
		for end < len(of.buckets) && of.buckets[end].first == first {
			end++
		}
		last = &bucket{first: first, table: table{seed: rand.Uint64()}}
		of.buckets = slices.Insert(of.buckets, end, last)
		w.forget(of)
	}
	last.last = max(last.last, hour)
	last.table.add(&c.ID, c.Offset, hour-first, c.Hash)
	if w.ids++; w.ids > w.most {
		w.shorten()
	}
}

// share is how many ids a bucket has at most.
func (w *Windows) share() int { return max(1, w.most/shares) }

// Withdraw takes back the claim of a record that is not accepted after all.
func (w *Windows) Withdraw(partition int32, c *Claim) {
	of := w.all[partition]
	if of == nil {
		return
	}
	for _, b := range of.buckets {
		if e := b.table.find(&c.ID); e != nil && e.offset() == c.Offset {
			e.at |= offsetMask // no record is at a higher offset
		}
	}
}

// Committed says that the records of a partition up to one of a time do not come again. Claims that no later record
// asks for are dropped.
func (w *Windows) Committed(partition int32, at int64) {
	if of := w.all[partition]; of != nil {
		of.committed = max(of.committed, w.hourOf(at))
		w.forget(of)
	}
}

// past reports whether no record that is still to come asks for the claims of the bucket that begins at an hour.
func (of *window) past(first int64) bool { return first+group <= of.committed-hours }

// forget drops the buckets that are before the window of the last committed record.
func (w *Windows) forget(of *window) {
	n := 0
	for n < len(of.buckets) && of.past(of.buckets[n].first) {
		w.free(of.buckets[n])
		n++
	}
	of.buckets = slices.Delete(of.buckets, 0, n)
}

// shorten drops the oldest bucket of all partitions.
func (w *Windows) shorten() {
	partition, oldest := int32(0), (*window)(nil)
	for number, of := range w.all {
		if len(of.buckets) > 0 && (oldest == nil || of.buckets[0].first < oldest.buckets[0].first ||
			of.buckets[0].first == oldest.buckets[0].first && number < partition) {
			partition, oldest = number, of
		}
	}
	b := oldest.buckets[0]
	oldest.buckets = slices.Delete(oldest.buckets, 0, 1)
	n := b.table.ids
	w.free(b)
	oldest.shortened = max(oldest.shortened, b.last+1)
	if w.Shortened != nil {
		w.Shortened(partition, time.UnixMicro(oldest.shortened*w.hour), n)
	}
}

// State is how much the windows hold.
type State struct {
	IDs   int
	Bytes int64
	// Shortest is how far back every partition finds duplicates for sure, up to the length of the window.
	Shortest time.Duration
}

// State of now, by the times of the log.
func (w *Windows) State() State {
	s := State{IDs: w.ids, Shortest: time.Duration(w.hour*hours) * time.Microsecond}
	for _, of := range w.all {
		for _, b := range of.buckets {
			s.Bytes += b.table.bytes()
		}
		if n := len(of.buckets); n > 0 && of.shortened > 0 {
			back := of.buckets[n-1].last + 1 - of.shortened
			s.Shortest = min(s.Shortest, time.Duration(max(back, 0)*w.hour)*time.Microsecond)
		}
	}
	return s
}
