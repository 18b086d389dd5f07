package client

import (
	"testing"
	"time"

	"github.com/txflow/txflow/internal/transaction"
)

func TestTransactionsOnTheWire(t *testing.T) {
	t.Parallel()
	id, _ := transaction.ParseUUID([]byte("B9FA6684-502b-4695-8f92-247432ba610d"))
	rows := []transaction.Transaction{
		{ID: id, SourceID: "7", Description: "a \"b\"\u2028", Amount: -9524000, Timestamp: time.Date(2024, 3, 5, 10, 11, 12,
			340_000_000, time.UTC), Merchant: "m", HasMerchant: true, OperationType: "card", Side: transaction.Debit},
		{ID: id, Amount: 1, Timestamp: time.Date(2024, 3, 5, 10, 11, 12, 0, time.UTC), OperationType: "card",
			Side: transaction.Credit},
	}
	const want = `[{"id":"b9fa6684-502b-4695-8f92-247432ba610d","description":"a ` +
		`\"b\"\u2028","amount":-952.4,"timestamp":"2024-03-05T10:11:12.34Z",` +
		`"merchant":"m","operation_type":"card","side":"debit"},` +
		`{"id":"b9fa6684-502b-4695-8f92-247432ba610d","description":"","amount":0.0001,"timestamp":"2024-03-05T10:11:12Z",` +
		`"merchant":null,"operation_type":"card","side":"credit"}]`
	if got := string(AppendTransactions(nil, rows)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(AppendTransactions(nil, nil)); got != "[]" {
		t.Errorf("got %s", got)
	}
}
