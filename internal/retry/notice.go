package retry

import (
	"sync"
	"time"
)

// Notice says when an outage is worth a line in the log: at once, and then every so often, for all that wait together.
// The zero value is ready.
type Notice struct {
	mu   sync.Mutex
	last time.Time
}

// Due reports whether the last line is at least so long ago, and takes now as the time of the next.
func (n *Notice) Due(every time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.last.IsZero() && time.Since(n.last) < every {
		return false
	}
	n.last = time.Now()
	return true
}
