package kafka

import (
	"testing"
	"time"

	"github.com/txflow/txflow/stream/pipeline"
)

func newDelivery(messages int) *delivery {
	d := &delivery{records: make([]pipeline.Record, messages), left: messages, errs: make([]error, messages),
		open: make([]bool, messages), done: make(chan struct{})}
	for i := range d.open {
		d.open[i] = true
	}
	return d
}

func (d *delivery) settleAll() {
	for i := range d.records {
		(&ticket{d, i}).settle(nil)
	}
}

// TestQueueGroups has what is published while groups are under way go together, as soon as one of them is settled, or
// after groupWait.
func TestQueueGroups(t *testing.T) {
	t.Parallel()
	q := &queue{wake: make(chan struct{}, 1)}
	var first []*delivery
	for range mostGroups {
		d := newDelivery(2)
		q.add(d)
		got, _, _ := q.take()
		if len(got) != 1 || got[0] != d {
			t.Fatalf("a slot is free, and %d deliveries were taken", len(got))
		}
		first = append(first, d)
	}
	late := []*delivery{newDelivery(1), newDelivery(groupMessages - 1), newDelivery(1)}
	for _, d := range late {
		q.add(d)
	}
	now := time.Now()
	for _, d := range late {
		d.since = now.Add(time.Hour) // this test may take as long as it needs
	}
	if got, wait, closed := q.take(); got != nil || wait <= 0 || closed {
		t.Errorf("no slot is free: %d deliveries, wait %s", len(got), wait)
	}
	for len(q.wake) > 0 {
		<-q.wake
	}
	first[0].settleAll()
	select {
	case <-q.wake:
	default:
		t.Error("a group was settled, and nobody is woken")
	}
	if got, _, _ := q.take(); len(got) != 2 || got[0] != late[0] || got[1] != late[1] {
		t.Errorf("%d deliveries were taken, not those that are one group", len(got))
	}
	late[2].since = now.Add(-groupWait)
	if got, _, _ := q.take(); len(got) != 1 || got[0] != late[2] {
		t.Errorf("one waited for %s, and %d were taken", groupWait, len(got))
	}
}

// TestQueueCloses has a closed queue give what waits, whatever is under way, and take nothing more.
func TestQueueCloses(t *testing.T) {
	t.Parallel()
	q := &queue{wake: make(chan struct{}, 1), underWay: mostGroups}
	q.add(newDelivery(1))
	q.close()
	if q.add(newDelivery(1)) {
		t.Error("a closed queue takes a delivery")
	}
	if got, _, closed := q.take(); len(got) != 1 || closed {
		t.Errorf("%d deliveries, closed: %v", len(got), closed)
	}
	if got, _, closed := q.take(); got != nil || !closed {
		t.Errorf("%d deliveries, closed: %v", len(got), closed)
	}
}

// TestAbandoned has a delivery that nobody waits for any more end its group without being handed over: its records are
// its caller's again.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	p := &Publisher{queue: queue{wake: make(chan struct{}, 1)}}
	d := newDelivery(1)
	p.queue.add(d)
	d.abandoned = true
	if got, _, _ := p.queue.take(); len(got) != 1 {
		t.Fatal("nothing was taken")
	}
	p.send(d) // there is no client: it would settle the message
	if d.left != 1 || p.queue.underWay != 0 {
		t.Errorf("%d messages are not settled, %d groups are under way", d.left, p.queue.underWay)
	}
}
