package refine

import (
	"math/rand/v2"
	"testing"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
)

// BenchmarkRefine is what an event costs without Kafka: read, judged, and written as a message of events.silver.
func BenchmarkRefine(b *testing.B) {
	l := &log{r: rand.New(rand.NewPCG(1, 1))}
	h := New(config(b, l))
	h.windows.Start(0, 0)
	e := simple(event.NewID())
	e.Form, e.Type = event.FormPackage, `Holded\Wallet\Domain\Transaction\Events\WalletTransactionCreatedEvent`
	e.Attributes = `{"type":"Holded\\Wallet\\Domain\\Transaction","targetSubscription":"wallet_events","platform":"web"}`
	const n = 10_000
	for range n {
		e.ID = event.NewID()
		l.add(0, &e, 1)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m := l.raw[0][i%n]
		m.Offset = int64(i)
		got, _, broken, err := h.read(b.Context(), &m)
		if err != nil || broken.Code != "" {
			b.Fatal(broken, err)
		}
		claim := dedup.Claim{ID: got.ID, Offset: m.Offset, Time: m.LogVersion, Hash: got.ContentHash()}
		h.windows.Judge(0, &claim)
		h.windows.Add(0, &claim)
		w := &work{}
		w.refine(h.cfg.Rules.current(), &got, &m)
		if len(events.AppendRefined(nil, &w.refined)) == 0 {
			b.Fatal("nothing")
		}
	}
}
