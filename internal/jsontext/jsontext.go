// Package jsontext writes text into JSON by hand, for the paths where every row counts: whoever uses it says what that
// saves.
package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// plain are the bytes that need no escape in a JSON string.
var plain = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x20 && i != '"' && i != '\\' && i < utf8.RuneSelf
	}
	return t
}()

// Plain reports whether a byte needs no escape in a JSON string.
func Plain(c byte) bool { return plain[c] }

// Append appends s as the inside of a JSON string, as encoding/json does without HTML escapes.
func Append(b []byte, s string) []byte {
	start := 0
	for i := SkipPlain(s, 0); i < len(s); i = SkipPlain(s, i) {
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

// SkipPlain returns the index of the first byte from i on that is not plain; eight are looked at in one step, as 64
// bits.
func SkipPlain(s string, i int) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	text := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(text)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		// A byte's highest bit is set where the byte is below 0x20, '"', '\\' or not ASCII. A borrow may set that of a byte
		// after such a one, and the first counts.
		found := ((x - each*0x20) | ((x ^ each*'"') - each) | ((x ^ each*'\\') - each) | x) & high
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && plain[text[i]] {
		i++
	}
	return i
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
