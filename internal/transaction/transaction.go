// Package transaction is the domain of a bank transaction: its fields, its identity and the rules that a row must meet.
// It imports the standard library only.
package transaction

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Transaction is one valid bank transaction.
type Transaction struct {
	ID            ID
	SourceID      string // the id as the source wrote it, trimmed
	Description   string
	Amount        Amount
	Timestamp     time.Time // UTC, whole microseconds
	Merchant      string
	HasMerchant   bool // false: the merchant is null
	OperationType string
	Side          Side
}

// Side says whether money left (debit) or came (credit).
type Side uint8

// The values are those of the side column in ClickHouse.
const (
	Debit  Side = 1
	Credit Side = 2
)

// String returns "debit", "credit" or "".
func (s Side) String() string {
	switch s {
	case Debit:
		return "debit"
	case Credit:
		return "credit"
	}
	return ""
}

// ParseSide reads "debit" or "credit" in any case.
func ParseSide(b []byte) (Side, bool) {
	switch len(b) {
	case 5:
		if equalFold(b, "debit") {
			return Debit, true
		}
	case 6:
		if equalFold(b, "credit") {
			return Credit, true
		}
	}
	return 0, false
}

func equalFold(b []byte, lower string) bool {
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// ContentHash distinguishes two rows of one id: the first eight bytes of the SHA-256 of every field but the id, each
// after its length. Scratch is reused between calls to spare allocations; it may be nil.
func (t *Transaction) ContentHash(scratch *[]byte) uint64 {
	var local []byte
	if scratch == nil {
		scratch = &local
	}
	b := (*scratch)[:0]
	b = appendField(b, t.Description)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Amount))
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Timestamp.UnixMicro()))
	if t.HasMerchant {
		b = appendField(b, t.Merchant)
	} else {
		b = append(b, 0xff, 0xff, 0xff, 0xff)
	}
	b = appendField(b, t.OperationType)
	b = append(b, byte(t.Side))
	*scratch = b
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:8])
}

func appendField(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
