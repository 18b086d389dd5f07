package client

import (
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
			transaction.CategoryAt(i%transaction.CategoryCount).String())
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
