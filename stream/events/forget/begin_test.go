package forget

import (
	"context"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/pipeline"
)

// places is ClickHouse's table of erasures, and the topic of tombstones with a broker whose clock is another one.
type places struct {
	Tables
	Stream
	erasure *ledger.Erasure
	broker  time.Time
	has     *event.Tombstone
}

func (p *places) Erasure(context.Context, string) (*ledger.Erasure, error) { return p.erasure, nil }
func (p *places) PutErasure(_ context.Context, e *ledger.Erasure) error {
	kept := *e
	p.erasure = &kept
	return nil
}
func (p *places) Publish(context.Context, pipeline.Record) error {
	p.has = &event.Tombstone{At: p.broker.UnixMicro() + tombstone.Margin}
	return nil
}
func (p *places) Now(context.Context) error { return nil }
func (p *places) Of(event.PersonHash) (event.Tombstone, bool) {
	if p.has == nil {
		return event.Tombstone{}, false
	}
	return *p.has, true
}

// TestEachErasureReachesItsOwnTime forgets a person twice, where this machine's clock is an hour behind the broker's or
// ahead of it: the second erasure reaches further than the first, and one that is taken up again keeps its time.
func TestEachErasureReachesItsOwnTime(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 0} {
		p := &places{broker: time.Now().Add(ahead)}
		f := Forget{Person: event.Person{User: "u"}, Key: event.NewErasureKey(), Tables: p, Stream: p, Tombstones: p,
			Progress: func(string, int64) {}}
		for range 2 {
			e, err := f.begin(t.Context())
			if err != nil || e.Before != p.broker.UnixMicro()+tombstone.Margin {
				t.Fatalf("the broker is %s ahead: %+v %v", ahead, e, err)
			}
			p.broker = p.broker.Add(10 * time.Minute)
			again, err := f.begin(t.Context())
			if err != nil || again.Before != e.Before || again.ID != e.ID {
				t.Errorf("the broker is %s ahead, taken up again: %+v, not %+v: %v", ahead, again, e, err)
			}
			p.erasure.Done = true
		}
	}
}
