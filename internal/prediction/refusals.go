package prediction

import (
	"context"
	"sync"
	"time"
)

// RefusalWindow is how many of the last rows decide whether the ML API refuses too many.
const RefusalWindow = 100

// DefaultMaxRefused is the share of the window above which refusals are an outage of the API rather than about rows.
const DefaultMaxRefused = 0.5

// Refusals watches the share of rows that the ML API refuses. When more than a share of the last RefusalWindow rows are
// refused, the API is taken to be out of order: the refusals of that window are discarded, and so is each that follows,
// until the API classifies a row. Fewer rows than a window never trip it. It is safe for concurrent use, and its memory
// does not grow. A nil one never trips.
type Refusals struct {
	limit float64
	turn  chan struct{} // held by the one who probes while it is tripped

	mu        sync.Mutex
	window    [RefusalWindow]bool // refused or not, by row number modulo its length
	filled    int                 // rows in the window since it was empty
	refused   int                 // of them
	rows      uint64              // rows counted so far: the last row's number
	tripped   bool
	discarded [8]span       // the last windows that tripped it, at discards modulo their number
	discards  int           // so many were noted
	changed   chan struct{} // closed at the next change, if somebody waits
}

// span is a range of row numbers, both ends included.
type span struct{ from, to uint64 }

// NewRefusals trips when more than a share of the window's rows are refused; 1 or more never does.
func NewRefusals(share float64) *Refusals {
	return &Refusals{limit: share * RefusalWindow, turn: make(chan struct{}, 1)}
}

// Classified counts rows that got a category. The first of them ends what Refused began.
func (r *Refusals) Classified(rows int) {
	if r == nil || rows <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tripped {
		r.tripped = false
		r.empty()
	}
	for range min(rows, RefusalWindow) { // more than a window full look alike
		r.count(false)
	}
	r.rows += uint64(max(rows-RefusalWindow, 0))
	r.notify()
}

// Refused counts a row that was refused alone, and returns its number. Tripped says that the refusal is discarded.
func (r *Refusals) Refused() (at uint64, tripped bool) {
	if r == nil {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.notify()
	if r.tripped {
		return 0, true
	}
	r.count(true)
	if r.filled == RefusalWindow && float64(r.refused) > r.limit {
		r.tripped = true
		r.discarded[r.discards%len(r.discarded)] = span{r.rows - RefusalWindow + 1, r.rows}
		r.discards++
	}
	return r.rows, r.tripped
}

func (r *Refusals) count(refused bool) {
	r.rows++
	cell := &r.window[r.rows%RefusalWindow]
	if r.filled == RefusalWindow && *cell {
		r.refused--
	}
	r.filled = min(r.filled+1, RefusalWindow)
	if *cell = refused; refused {
		r.refused++
	}
}

func (r *Refusals) empty() { r.filled, r.refused = 0, 0 }

func (r *Refusals) notify() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Fate is what a refusal turned out to be.
type Fate uint8

// The fates of a refusal.
const (
	Pending   Fate = iota // it is among the last rows: those that follow decide
	Settled               // it is about its row
	Discarded             // the API was out of order: ask again
)

// Fate returns what is known of the refusal of a row by the number that Refused gave it.
func (r *Refusals) Fate(at uint64) Fate {
	if r == nil {
		return Settled
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fate(at)
}

func (r *Refusals) fate(at uint64) Fate {
	if at == 0 {
		return Settled // nobody counted it
	}
	for _, s := range r.discarded {
		if s.from <= at && at <= s.to {
			return Discarded
		}
	}
	if r.rows-at >= RefusalWindow {
		return Settled
	}
	return Pending
}

// Restart empties the window: what is pending is taken as settled. The end of a piece of work calls it.
func (r *Refusals) Restart() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.empty()
}

// Tripped reports whether the API is taken to be out of order now.
func (r *Refusals) Tripped() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tripped
}

// Wait waits until a refusal is no longer pending, but not for longer than quiet: in little traffic it is then settled.
// It is Pending only when the context ended first.
func (r *Refusals) Wait(ctx context.Context, at uint64, quiet time.Duration) Fate {
	if r == nil {
		return Settled
	}
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		fate, changed := r.fateAndChange(at)
		if fate != Pending {
			return fate
		}
		select {
		case <-changed:
		case <-timer.C:
			return Settled
		case <-ctx.Done():
			return Pending
		}
	}
}

func (r *Refusals) fateAndChange(at uint64) (Fate, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.fate(at), r.changed
}

// Enter waits, while the API is out of order, until the caller is the one who may probe it; leave gives the turn to the
// next. When it is not, nobody waits.
func (r *Refusals) Enter(ctx context.Context) (leave func(), err error) {
	for r != nil && r.Tripped() {
		_, changed := r.fateAndChange(0)
		select {
		case r.turn <- struct{}{}:
			if r.Tripped() {
				return func() { <-r.turn }, nil
			}
			<-r.turn
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return func() {}, nil
}
