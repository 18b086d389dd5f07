package client

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

const benchRows = 500

func sample(n int) []transaction.Transaction {
	rows := make([]transaction.Transaction, n)
	for i := range rows {
		rows[i] = transaction.Transaction{ID: transaction.ID{0: 7, 14: byte(i >> 8), 15: byte(i)}, Amount: -123400,
			Side:        transaction.Debit,
			Description: fmt.Sprintf("CARTE PAIEMENT %06d PARIS", i), Timestamp: time.Date(2024, 3, 5, 10, 11, 12, 0, time.UTC),
			Merchant: "Café de la Gare", HasMerchant: true, OperationType: "card_payment"}
	}
	return rows
}

// sampleAnswer is what the service answers to rows.
func sampleAnswer(rows []transaction.Transaction) []byte {
	b := []byte{'['}
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"transaction_id":"%s","category":%q,"model_version":"hash-v1"}`, rows[i].ID,
			transaction.DefaultCategories.At(i%transaction.CategoryCount).String())
	}
	return append(b, ']')
}

func BenchmarkEncode(b *testing.B) {
	rows := sample(benchRows)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = AppendTransactions(out[:0], rows)
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkLibraries does by encoding/json what is done by hand.
func BenchmarkLibraries(b *testing.B) {
	rows := sample(benchRows)
	body := sampleAnswer(rows)
	type request struct {
		ID            string      `json:"id"`
		Description   string      `json:"description"`
		Amount        json.Number `json:"amount"`
		Timestamp     string      `json:"timestamp"`
		Merchant      *string     `json:"merchant"`
		OperationType string      `json:"operation_type"`
		Side          string      `json:"side"`
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			all := make([]request, len(rows))
			for i := range rows {
				t := &rows[i]
				all[i] = request{t.ID.String(), t.Description, json.Number(t.Amount.String()),
					string(transaction.AppendTimestamp(nil, t.Timestamp)), &t.Merchant, t.OperationType, t.Side.String()}
			}
			if _, err := json.Marshal(all); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("answer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := decodeAnswers(nil, body, transaction.DefaultCategories); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
}

func BenchmarkAnswer(b *testing.B) {
	rows := sample(benchRows)
	body := sampleAnswer(rows)
	items := make([]prediction.Item, len(rows))
	var answers []answer
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if answers, _, err = scanAnswers(answers[:0], body, transaction.DefaultCategories); err != nil {
			b.Fatal(err)
		}
		if err = match(rows, items, answers); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}
