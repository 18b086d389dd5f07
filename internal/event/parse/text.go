package parse

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// canonical is a key such that two keys are the same exactly if their canonical forms are: nearly always the text
// itself. \" and \\ stay escaped, as they must be, and so do control characters in their short form.
func canonical(raw string) string {
	b := make([]byte, 0, len(raw))
	for _, c := range []byte(unescape(raw)) {
		switch i := strings.IndexByte("\"\\\b\f\n\r\t", c); {
		case i >= 0:
			b = append(b, '\\', `"\bfnrt`[i])
		case c < ' ':
			b = append(append(b, `\u00`...), "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// unescape is the text that a JSON string stands for. Half a surrogate pair becomes U+FFFD; the parser has noted it.
func unescape(raw string) string {
	i := strings.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	b := make([]byte, 0, len(raw))
	for ; i >= 0; i = strings.IndexByte(raw, '\\') {
		b = append(b, raw[:i]...)
		if i+1 >= len(raw) {
			return string(b)
		}
		c := raw[i+1]
		raw = raw[i+2:]
		if c != 'u' {
			b = append(b, short(c))
			continue
		}
		r := unit(raw)
		raw = raw[min(4, len(raw)):]
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if strings.HasPrefix(raw, `\u`) {
				pair = utf16.DecodeRune(r, unit(raw[2:]))
			}
			if r = pair; r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(append(b, raw...))
}

func unit(hex string) rune {
	n, err := strconv.ParseUint(hex[:min(4, len(hex))], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

func short(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// compact is valid JSON without the white space between its tokens.
func compact(text string) string {
	b := make([]byte, 0, len(text))
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\':
			b = append(b, c)
			i++
			c = text[i]
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		b = append(b, c)
	}
	return string(b)
}
