package kafka

import (
	"sync"
	"sync/atomic"
	"time"
)

// Group commit: what callers publish while a group is under way is handed to librdkafka together, as the next group.
// More than one gain nothing: where a producer is idempotent, librdkafka sends a request of a partition when the one
// before is answered. And it polls without a pause while messages wait for that: 69,000 times a second, which took a
// quarter of the collector's processor time (7 of 28 µs an event).
const (
	mostGroups    = 1
	groupMessages = 4000 // of more than one caller
	// groupWait is how long a caller waits for groups before it at most: those of a partition without a leader may take
	// as long as they can.
	groupWait = 100 * time.Millisecond
)

// lingerTime is about what handing over a group takes, so that it goes in one request for each partition or few. Then a
// flush has the broker's thread send at once. It is as short as can be: of flushTime a part of a millisecond is gone
// before librdkafka is asked, and for less than one more it is not. With 50 and 20 the collector waited in the flush,
// and with 1 there was none, so that each group lingered. In milliseconds.
const (
	lingerTime = 5
	flushTime  = 2
)

// queue is the deliveries that are not handed over yet.
type queue struct {
	mu       sync.Mutex
	waiting  []*delivery
	underWay int // groups of which a message is not settled
	closed   bool
	wake     chan struct{} // of capacity 1
}

// group is deliveries that were handed over together.
type group struct {
	of   *queue
	left atomic.Int32
}

// done says that a delivery of the group is settled.
func (g *group) done() {
	if g.left.Add(-1) == 0 {
		g.of.mu.Lock()
		g.of.underWay--
		g.of.mu.Unlock()
		g.of.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
}

// add has a delivery wait; false after close.
func (q *queue) add(d *delivery) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	d.since = time.Now()
	q.waiting = append(q.waiting, d)
	first := len(q.waiting) == 1 // else its handing over is awaited already
	q.mu.Unlock()
	if first {
		q.signal()
	}
	return true
}

// close ends the queue: what waits is handed over at once.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// take returns the next group, or how long to wait for one unless the queue is woken; closed says that none will come.
func (q *queue) take() (next []*delivery, wait time.Duration, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil, time.Hour, q.closed
	}
	waited := time.Since(q.waiting[0].since)
	if q.underWay >= mostGroups && waited < groupWait && !q.closed {
		return nil, groupWait - waited, false
	}
	n, messages := 0, 0
	for n < len(q.waiting) && (n == 0 || messages+len(q.waiting[n].records) <= groupMessages) {
		messages += len(q.waiting[n].records)
		n++
	}
	next, q.waiting = q.waiting[:n:n], q.waiting[n:]
	g := &group{of: q}
	g.left.Store(int32(n))
	for _, d := range next {
		d.group = g
	}
	q.underWay++
	return next, 0, false
}

// handOver hands over one group after the other, until the queue is closed and empty.
func (p *Publisher) handOver() {
	for timer := time.NewTimer(time.Hour); ; {
		group, wait, closed := p.queue.take()
		if closed {
			return
		}
		if group == nil {
			timer.Reset(wait)
			select {
			case <-p.queue.wake:
			case <-timer.C:
			}
			continue
		}
		p.mu.RLock()
		for _, d := range group {
			p.send(d)
		}
		if p.client != nil {
			p.client.Flush(flushTime) // the broker's thread sends at once; else it would linger for more messages
		}
		p.mu.RUnlock()
	}
}
