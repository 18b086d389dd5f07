package transaction

import (
	"math"
	"strconv"
)

// Amount is an exact decimal of scale 4: 12.34 is 123400. It is never a binary float on our side.
type Amount int64

// AmountScale is how many of an Amount make one unit of currency.
const AmountScale = 10_000

// MaxAmount is the greatest magnitude that Decimal(18, 4) holds: 14 digits before the point, 4 after it.
const MaxAmount Amount = 999_999_999_999_999_999

// ParseAmount reads an optional sign, digits, and up to four digits after the decimal mark (point is '.' or ',').
// More digits are an error, even zeros: they indicate another unit. No exponent, no thousands separator, no space.
func ParseAmount(b []byte, point byte) (Amount, Code) {
	i, neg := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		i++
	}
	var v int64
	digits, scale := 0, -1
	for ; i < len(b); i++ {
		c := b[i]
		if c == point {
			if scale >= 0 || digits == 0 {
				return 0, CodeAmountFormat
			}
			scale = 0
			continue
		}
		if c < '0' || c > '9' {
			return 0, CodeAmountFormat
		}
		if scale >= 0 {
			if scale++; scale > 4 {
				return 0, onlyDigits(b[i:], CodeAmountScale)
			}
		}
		digits++
		if v > (math.MaxInt64-9)/10 {
			return 0, onlyDigits(b[i:], CodeAmountRange)
		}
		v = v*10 + int64(c-'0')
	}
	if digits == 0 || scale == 0 {
		return 0, CodeAmountFormat
	}
	for scale = max(scale, 0); scale < 4; scale++ {
		if v > int64(MaxAmount)/10 {
			return 0, CodeAmountRange
		}
		v *= 10
	}
	if v > int64(MaxAmount) {
		return 0, CodeAmountRange
	}
	if neg {
		v = -v
	}
	return Amount(v), CodeOK
}

// onlyDigits keeps code if the rest could belong to a number, so that "1.23456x" is a format error, not one of scale.
func onlyDigits(rest []byte, code Code) Code {
	marks := 0
	for _, c := range rest {
		if c == '.' || c == ',' {
			marks++
		} else if c < '0' || c > '9' {
			return CodeAmountFormat
		}
	}
	if marks > 1 {
		return CodeAmountFormat
	}
	return code
}

// Append appends the shortest exact decimal: "-952.4", "100".
func (a Amount) Append(b []byte) []byte {
	u := uint64(a)
	if a < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/AmountScale, 10)
	frac := u % AmountScale
	if frac == 0 {
		return b
	}
	b = append(b, '.', byte('0'+frac/1000), byte('0'+frac/100%10), byte('0'+frac/10%10), byte('0'+frac%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// String returns the shortest exact decimal.
func (a Amount) String() string { return string(a.Append(nil)) }
