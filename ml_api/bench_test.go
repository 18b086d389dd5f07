package mlapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/ml_api/server"
)

const benchRows = 500

// sample makes n transactions of the usual shape; the same seed makes the same ones.
func sample(n int, seed uint64) []transaction.Transaction {
	r := rand.New(rand.NewPCG(seed, 0))
	merchants := []string{"Boulangerie Ange", "Carrefour Market", "SNCF Connect", "Café de la Gare", "EDF \"Vert\""}
	rows := make([]transaction.Transaction, n)
	for i := range rows {
		t := &rows[i]
		for b := range t.ID {
			t.ID[b] = byte(r.Uint32())
		}
		t.Description = fmt.Sprintf("CARTE %02d/%02d PAIEMENT %06d PARIS", 1+r.IntN(28), 1+r.IntN(12), r.IntN(1_000_000))
		t.Amount, t.Side = -transaction.Amount(1+r.Int64N(5_000_000)), transaction.Debit
		t.Timestamp = time.Date(2024, 1, 1, 0, 0, r.IntN(31_536_000), 0, time.UTC)
		t.OperationType = "card_payment"
		if r.IntN(10) > 0 {
			t.Merchant, t.HasMerchant = merchants[r.IntN(len(merchants))], true
		}
	}
	return rows
}

func reportRows(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

func startServer(tb testing.TB, cfg server.Config) string {
	tb.Helper()
	s, err := server.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	return h.URL
}

func newClient(tb testing.TB, cfg client.Config) *client.Client {
	tb.Helper()
	c, err := client.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// BenchmarkRoundTrip is what a task sees: encode, POST over loopback, check the answer; 500 transactions a batch, the
// client and the server on the same cores.
func BenchmarkRoundTrip(b *testing.B) {
	c := newClient(b, client.Config{URL: secret.NewURL(startServer(b, server.Config{}))})
	rows := sample(benchRows, 1)
	b.SetParallelism(4)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Predict(context.Background(), rows); err != nil {
				b.Error(err)
				return
			}
		}
	})
	reportRows(b)
}

// BenchmarkCeiling is the service's own ceiling: bodies are encoded beforehand and answers are not looked at.
func BenchmarkCeiling(b *testing.B) {
	url := startServer(b, server.Config{}) + "/predict"
	body := client.AppendTransactions(nil, sample(benchRows, 1))
	transport := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	defer transport.CloseIdleConnections()
	h := http.Client{Transport: transport}
	b.SetParallelism(4)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := h.Post(url, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
				b.Error(response.Status, err)
				return
			}
			_ = response.Body.Close()
		}
	})
	reportRows(b)
}
