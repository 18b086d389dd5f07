package jsontext

// deepest is how deep encoding/json lets values nest.
const deepest = 10_000

// inString are the bytes of a JSON string that need no look of their own.
var inString = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x20 && i != '"' && i != '\\'
	}
	return t
}()

// Valid is json.Valid, written by hand: refine asks it of the texts of each event, and 10 % of its time was there. See
// BenchmarkValid for both.
func Valid(s string) bool {
	i := value(s, space(s, 0), 0)
	return i >= 0 && space(s, i) == len(s)
}

// value returns the index after the value at i, or -1. So do the others.
func value(s string, i, depth int) int {
	if i >= len(s) {
		return -1
	}
	switch c := s[i]; c {
	case '"':
		return text(s, i)
	case '{':
		return members(s, i, depth+1, '}')
	case '[':
		return members(s, i, depth+1, ']')
	case 't':
		return word(s, i, "true")
	case 'f':
		return word(s, i, "false")
	case 'n':
		return word(s, i, "null")
	}
	return number(s, i)
}

// members are those of an object or array.
func members(s string, i, depth int, end byte) int {
	if depth > deepest {
		return -1
	}
	if i = space(s, i+1); i < len(s) && s[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i >= len(s) || s[i] != '"' {
				return -1
			}
			if i = text(s, i); i < 0 {
				return -1
			}
			if i = space(s, i); i >= len(s) || s[i] != ':' {
				return -1
			}
			i = space(s, i+1)
		}
		if i = value(s, i, depth); i < 0 {
			return -1
		}
		if i = space(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case end:
			return i + 1
		case ',':
			i = space(s, i+1)
		default:
			return -1
		}
	}
}

func text(s string, i int) int {
	for i++; ; i++ {
		for i < len(s) && inString[s[i]] {
			i++
		}
		if i >= len(s) {
			return -1
		}
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			if i = escape(s, i+1); i < 0 {
				return -1
			}
		default:
			return -1
		}
	}
}

// escape returns the index of the last byte of what follows a backslash.
func escape(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	switch s[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		if i+4 >= len(s) {
			return -1
		}
		for _, c := range []byte(s[i+1 : i+5]) {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func number(s string, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if i = digits(s, i); i < 0 {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		if i = digits(s, i+1); i < 0 {
			return -1
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		return digits(s, i)
	}
	return i
}

// digits are one or more.
func digits(s string, i int) int {
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func word(s string, i int, w string) int {
	if len(s)-i < len(w) || s[i:i+len(w)] != w {
		return -1
	}
	return i + len(w)
}

func space(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') {
		i++
	}
	return i
}
