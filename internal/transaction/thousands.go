package transaction

import "bytes"

// spaces are what separates thousands where a space does: plain, no-break, and narrow no-break, as French banks write
// it.
var spaces = [][]byte{{' '}, []byte("\u00a0"), []byte("\u202f")}

// ungroup appends a number to plain without what separates its thousands. A number whose groups are not of three
// digits, the first of one to three, comes back as it is, which makes it no amount.
func ungroup(plain, number []byte, mark, point byte) []byte {
	whole, fraction := number, []byte(nil)
	if i := bytes.IndexByte(number, point); i >= 0 {
		whole, fraction = number[:i], number[i:]
	}
	digits, groups, zero := 0, 1, false // digits of the last group; whether the number begins with a zero
	for len(whole) > 0 {
		if n := separator(whole, mark); n > 0 {
			if digits < 1 || digits > 3 || zero || groups > 1 && digits != 3 {
				return number
			}
			whole, digits, groups = whole[n:], 0, groups+1
			continue
		}
		if c := whole[0]; c >= '0' && c <= '9' {
			zero = zero || groups == 1 && digits == 0 && c == '0'
			digits++
		}
		plain, whole = append(plain, whole[0]), whole[1:]
	}
	if groups > 1 && digits != 3 {
		return number
	}
	return append(plain, fraction...)
}

// separator returns how many bytes of a mark b begins with.
func separator(b []byte, mark byte) int {
	if mark != ' ' {
		if b[0] == mark {
			return 1
		}
		return 0
	}
	for _, s := range spaces {
		if bytes.HasPrefix(b, s) {
			return len(s)
		}
	}
	return 0
}
