package server

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/transaction"
)

// The fields of a transaction, as bits of what has been seen.
const (
	fieldID = 1 << iota
	fieldDescription
	fieldAmount
	fieldTimestamp
	fieldMerchant
	fieldOperation
	fieldSide
	fieldsRequired = fieldID | fieldDescription | fieldAmount | fieldTimestamp | fieldOperation | fieldSide
)

// scan reads an array of valid transactions and appends their ids. It knows only what such an array usually looks like
// (white space and the order of keys are free); for everything else, right or wrong, it reports false, and the slow
// path decides. What it accepts, the slow path accepts with the same ids.
func scan(ids []transaction.ID, b []byte, maxItems int) ([]transaction.ID, bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return ids, false
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return ids, skipSpace(b, i+1) == len(b)
	}
	for {
		var id transaction.ID
		if i = scanItem(b, i, &id); i < 0 || len(ids) >= maxItems {
			return ids, false
		}
		ids = append(ids, id)
		i = skipSpace(b, i)
		if i >= len(b) {
			return ids, false
		}
		if b[i] == ']' {
			return ids, skipSpace(b, i+1) == len(b)
		}
		if b[i] != ',' {
			return ids, false
		}
		i = skipSpace(b, i+1)
	}
}

// scanItem reads the object at i and returns the index after it, or -1.
func scanItem(b []byte, i int, id *transaction.ID) int {
	if i >= len(b) || b[i] != '{' {
		return -1
	}
	seen := 0
	for {
		if i = skipSpace(b, i+1); i >= len(b) || b[i] != '"' {
			return -1
		}
		field, next := scanKey(b, i+1)
		if field == 0 || seen&field != 0 {
			return -1 // an unknown field, or one for the second time
		}
		seen |= field
		if i = skipSpace(b, next); i >= len(b) || b[i] != ':' {
			return -1
		}
		if i = skipSpace(b, i+1); i >= len(b) {
			return -1
		}
		if i = scanValue(b, i, field, id); i < 0 {
			return -1
		}
		if i = skipSpace(b, i); i >= len(b) {
			return -1
		}
		if b[i] == '}' {
			if seen&fieldsRequired != fieldsRequired {
				return -1
			}
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
	}
}

// scanKey reads the key whose first letter is at i and returns its field and the index after its closing quote.
func scanKey(b []byte, i int) (field, next int) {
	if i >= len(b) {
		return 0, 0
	}
	name := ""
	switch b[i] {
	case 'i':
		field, name = fieldID, `id"`
	case 'd':
		field, name = fieldDescription, `description"`
	case 'a':
		field, name = fieldAmount, `amount"`
	case 't':
		field, name = fieldTimestamp, `timestamp"`
	case 'm':
		field, name = fieldMerchant, `merchant"`
	case 'o':
		field, name = fieldOperation, `operation_type"`
	case 's':
		field, name = fieldSide, `side"`
	default:
		return 0, 0
	}
	if next = i + len(name); next > len(b) || string(b[i:next]) != name {
		return 0, 0
	}
	return field, next
}

// scanValue reads the value at i and returns the index after it, or -1.
func scanValue(b []byte, i, field int, id *transaction.ID) int {
	if field == fieldAmount {
		return scanNumber(b, i)
	}
	if field == fieldMerchant && len(b)-i >= 4 && string(b[i:i+4]) == "null" {
		return i + 4
	}
	if b[i] != '"' {
		return -1
	}
	i++
	switch field {
	case fieldID:
		if len(b)-i <= 36 || b[i+36] != '"' {
			return -1
		}
		var ok bool
		if *id, ok = transaction.ParseUUID(b[i : i+36]); !ok {
			return -1
		}
		return i + 37
	case fieldTimestamp:
		end := i
		for end < len(b) && b[end] != '"' {
			end++
		}
		if end == len(b) || !isISO8601(b[i:end]) {
			return -1
		}
		return end + 1
	case fieldSide:
		if len(b)-i >= 6 && string(b[i:i+6]) == `debit"` {
			return i + 6
		}
		if len(b)-i >= 7 && string(b[i:i+7]) == `credit"` {
			return i + 7
		}
		return -1
	}
	return scanText(b, i)
}

// scanText reads a string from after its opening quote and returns the index after its closing quote, or -1.
func scanText(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for {
		for len(b)-i >= 8 { // eight bytes at once, while none of them needs an escape
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^'"'*ones, w^'\\'*ones
			special := (w | (w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			if special != 0 {
				i += bits.TrailingZeros64(special) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < 0x20:
			return -1
		case c == '\\':
			if i = scanEscape(b, i+1); i < 0 {
				return -1
			}
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				return -1
			}
			i += size
		}
	}
}

// scanEscape reads what follows a backslash.
func scanEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(b)-i < 5 {
			return -1
		}
		for _, c := range b[i+1 : i+5] {
			if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

// scanNumber reads a JSON number: no leading zeros, no bare point, no plus.
func scanNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start || b[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, i); i == start {
			return -1
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
