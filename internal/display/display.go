// Package display writes numbers for people.
package display

import "strconv"

// Thousands writes n with a comma between groups of three digits: -1,234,567.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
