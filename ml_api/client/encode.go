package client

import (
	"unicode/utf8"

	"github.com/txflow/txflow/internal/transaction"
)

// AppendTransactions appends the batch as the JSON array that POST /predict takes. Amounts are exact decimals,
// timestamps RFC 3339 in UTC.
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
		b = appendText(b, t.Description)
		b = append(b, `","amount":`...)
		b = t.Amount.Append(b)
		b = append(b, `,"timestamp":"`...)
		b = transaction.AppendTimestamp(b, t.Timestamp)
		if t.HasMerchant {
			b = append(b, `","merchant":"`...)
			b = appendText(b, t.Merchant)
			b = append(b, `","operation_type":"`...)
		} else {
			b = append(b, `","merchant":null,"operation_type":"`...)
		}
		b = appendText(b, t.OperationType)
		b = append(b, `","side":"`...)
		b = append(b, t.Side.String()...)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

// plain are the bytes that stand for themselves in a JSON string; 0xe2 begins U+2028 and U+2029, so it is looked at.
var plain = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x20 && i != '"' && i != '\\' && i < utf8.RuneSelf
	}
	return t
}()

// appendText appends s as the inside of a JSON string, as encoding/json does without HTML escapes.
func appendText(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && r != utf8.RuneError && r != 0x2028 && r != 0x2029 || r == utf8.RuneError && size > 1 {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, r)
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

func appendEscape(b []byte, r rune) []byte {
	const hexDigits = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
