package display

import "strings"

// integer is what counts are kept in.
type integer interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

// Count writes a number with its noun, whose singular is given: "1 dead letter", "2,000 dead letters".
func Count[N integer](n N, one string) string {
	return Thousands(int64(n)) + " " + Noun(n, one) // nothing is counted beyond 2^63
}

// Noun is the noun after a number: its singular, which is given, after 1.
func Noun[N integer](n N, one string) string {
	switch {
	case n == 1:
		return one
	case strings.HasSuffix(one, "y") && !strings.ContainsAny(one[max(len(one)-2, 0):], "aeou"): // not day or key
		return strings.TrimSuffix(one, "y") + "ies"
	case strings.HasSuffix(one, "ch"), strings.HasSuffix(one, "x"), strings.HasSuffix(one, "s"):
		return one + "es"
	}
	return one + "s"
}

// Are is the verb after a number and its noun.
func Are[N integer](n N) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
