package server

import "sync/atomic"

// budget bounds the bytes of bodies that are held at once.
type budget struct {
	limit int64
	used  atomic.Int64
}

// lease is what one request holds of the budget.
type lease struct {
	of  *budget
	has int64
}

// grow makes the lease at least so large, or returns false when that is too much for now.
func (l *lease) grow(size int64) bool {
	if size <= l.has {
		return true
	}
	more := size - l.has
	if l.of.used.Add(more) > l.of.limit {
		l.of.used.Add(-more)
		return false
	}
	l.has = size
	return true
}

// release gives all of it back. It may be called again.
func (l *lease) release() {
	l.of.used.Add(-l.has)
	l.has = 0
}
