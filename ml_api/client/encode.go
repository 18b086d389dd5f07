package client

import (
	"github.com/txflow/txflow/internal/jsontext"
	"github.com/txflow/txflow/internal/transaction"
)

// AppendTransactions appends the batch as the JSON array that POST /predict takes. Amounts are exact decimals,
// timestamps RFC 3339 in UTC. It is written by hand: each row comes here, and encoding/json takes 2.5 times as long
// (BenchmarkLibraries).
func AppendTransactions(b []byte, transactions []transaction.Transaction) []byte {
	b = append(b, '[')
	for i := range transactions {
		if i > 0 {
			b = append(b, ',')
		}
		t := &transactions[i]
		b = append(b, `{"id":"`...)
		b = t.ID.Append(b)
		b = append(b, `","description":"`...)
		b = jsontext.Append(b, t.Description)
		b = append(b, `","amount":`...)
		b = t.Amount.Append(b)
		b = append(b, `,"timestamp":"`...)
		b = transaction.AppendTimestamp(b, t.Timestamp)
		if t.HasMerchant {
			b = append(b, `","merchant":"`...)
			b = jsontext.Append(b, t.Merchant)
			b = append(b, `","operation_type":"`...)
		} else {
			b = append(b, `","merchant":null,"operation_type":"`...)
		}
		b = jsontext.Append(b, t.OperationType)
		b = append(b, `","side":"`...)
		b = append(b, t.Side.String()...)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}
