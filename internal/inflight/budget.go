// Package inflight bounds the bytes of requests that a server holds at once.
package inflight

import "sync/atomic"

// Budget bounds the bytes of bodies that are held at once. Limit is set before its first use.
type Budget struct {
	Limit int64
	used  atomic.Int64
}

// Used is what is held now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Lease is what one request holds of a budget.
type Lease struct {
	Of  *Budget
	has int64
}

// Grow makes the lease at least so large, or returns false when that is too much for now.
func (l *Lease) Grow(size int64) bool {
	if size <= l.has {
		return true
	}
	more := size - l.has
	if l.Of.used.Add(more) > l.Of.Limit {
		l.Of.used.Add(-more)
		return false
	}
	l.has = size
	return true
}

// Release gives all of it back. It may be called again.
func (l *Lease) Release() {
	l.Of.used.Add(-l.has)
	l.has = 0
}
