package server

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/txflow/txflow/internal/transaction"
)

const benchRows = 500

// sampleBody is a request of n transactions of the usual shape.
func sampleBody(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	items := make([]map[string]any, n)
	for i := range items {
		var id transaction.ID
		for b := range id {
			id[b] = byte(r.Uint32())
		}
		items[i] = map[string]any{"id": id.String(), "description": fmt.Sprintf("CARTE PAIEMENT %06d PARIS CAFÉ",
			r.IntN(1_000_000)),
			"amount": -float64(r.IntN(1_000_000)) / 100, "timestamp": "2024-03-05T10:11:12Z", "merchant": "Café de la Gare",
			"operation_type": "card_payment", "side": "debit"}
	}
	b, _ := json.Marshal(items)
	return b
}

// BenchmarkServer is the server's own work on one core, without HTTP: parse and check the request, apply the rule,
// encode the answer.
func BenchmarkServer(b *testing.B) {
	enc, err := newEncoder(transaction.DefaultCategories, DefaultModelVersion, 0)
	if err != nil {
		b.Fatal(err)
	}
	s := &Server{encoder: enc}
	body := sampleBody(benchRows)
	var ids []transaction.ID
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var ok bool
		if ids, ok = scan(ids[:0], body, benchRows); !ok {
			b.Fatal("the fast path refused an ordinary body")
		}
		out = s.encode(out[:0], ids)
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSlowPath is the same for a body that the scanner leaves to the standard library.
func BenchmarkSlowPath(b *testing.B) {
	body := sampleBody(benchRows)
	for b.Loop() {
		if _, faults := validate(nil, body, benchRows); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}
