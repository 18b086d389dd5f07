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
		var complaints []complaint
		if ids, complaints = decode(ids[:0], body, benchRows); len(complaints) > 0 {
			b.Fatal(complaints)
		}
		out = s.encode(out[:0], ids)
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDecode is parsing and checking alone.
func BenchmarkDecode(b *testing.B) {
	body := sampleBody(benchRows)
	var ids []transaction.ID
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var complaints []complaint
		if ids, complaints = decode(ids[:0], body, benchRows); len(complaints) > 0 {
			b.Fatal(complaints)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}
