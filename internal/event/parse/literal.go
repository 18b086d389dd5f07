package parse

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/jsontext"
)

// number reads a number and returns it as it stands.
func (p *parser) number() string {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	digits := func() (n int) {
		for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
			p.at++
			n++
		}
		return n
	}
	zero := p.peek() == '0'
	whole := digits()
	ok := whole > 0 && (!zero || whole == 1)
	if ok && p.peek() == '.' {
		p.at++
		ok = digits() > 0
	}
	exponent := ok && (p.peek() == 'e' || p.peek() == 'E')
	if exponent {
		if p.at++; p.peek() == '+' || p.peek() == '-' {
			p.at++
		}
		ok = digits() > 0
	}
	if !ok {
		p.fail("this is no number")
		return ""
	}
	text := p.text[start:p.at]
	const surely = 300 // digits that a float holds
	if exponent || whole > surely {
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			p.broken(event.CodeNumber, "")
		}
	}
	return text
}

// quoted is a string as it stands between its quotes, and what was seen of it.
type quoted struct {
	raw     string
	escaped bool // it has escapes
	renamed bool // one of them, \u or \/, may stand for a plain character
}

// text is the text that it stands for.
func (q quoted) text() string {
	if q.escaped {
		return unescape(q.raw)
	}
	return q.raw
}

// key is a form of it such that two keys are the same exactly if their forms are.
func (q quoted) key() string {
	if q.renamed {
		return canonical(q.raw)
	}
	return q.raw
}

// control reports whether its text, which it gets, holds control characters. Only U+007F needs no escape.
func (q quoted) control(text string) bool {
	if q.escaped {
		return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
	}
	return strings.IndexByte(text, 0x7f) >= 0
}

// string reads a string.
func (p *parser) string() (q quoted) {
	p.at++
	start := p.at
	for {
		if p.at = jsontext.SkipPlain(p.text, p.at); p.at >= len(p.text) {
			break
		}
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			q.raw = p.text[start : p.at-1]
			return q
		case c == '\\':
			p.escape(&q)
		case c < ' ':
			p.fail("a control character stands in a text: it must be escaped")
		default:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			if r == utf8.RuneError && size == 1 {
				p.broken(event.CodeUTF8, "")
			}
			p.at += size
		}
	}
	p.fail("the text ends inside of a string")
	return quoted{}
}

func (p *parser) escape(q *quoted) {
	q.escaped = true
	if p.at++; p.at == len(p.text) {
		return
	}
	switch p.text[p.at] {
	case '/':
		q.renamed = true
		p.at++
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		p.at++
	case 'u':
		q.renamed = true
		p.at++
		switch r := p.hex(); {
		case r >= 0xdc00 && r < 0xe000:
			p.broken(event.CodeSurrogate, "")
		case r >= 0xd800 && r < 0xdc00:
			if !strings.HasPrefix(p.text[p.at:], `\u`) {
				p.broken(event.CodeSurrogate, "")
				return
			}
			before := p.at
			p.at += 2
			if low := p.hex(); low < 0xdc00 || low >= 0xe000 {
				p.broken(event.CodeSurrogate, "")
				if p.err == nil {
					p.at = before // it may begin a pair of its own
				}
			}
		}
	default:
		p.fail("there is no such escape")
	}
}

// hex reads four hexadecimal digits; -1 for anything else.
func (p *parser) hex() int {
	if p.at+4 > len(p.text) {
		p.fail("four hexadecimal digits are expected")
		return -1
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		p.fail("four hexadecimal digits are expected")
		return -1
	}
	p.at += 4
	return int(n)
}
