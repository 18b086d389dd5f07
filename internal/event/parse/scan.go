package parse

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/txflow/txflow/internal/event"
)

// parser goes through a text once. What makes it no JSON ends it (err); what breaks a rule is noted, the first one of
// an item.
type parser struct {
	text      string
	at        int
	spaces    int // white space between tokens so far, in bytes
	depth     int
	err       *Error
	violation *event.Violation
	path      []segment // of the value that is read
	keys      []string  // of the objects that are open, one after the other
}

// segment is a part of a path: a key as it stands in the text, or the index in an array.
type segment struct {
	key   string
	index int // where it is not negative, there is no key
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &Error{Offset: p.at, What: fmt.Sprintf(format, args...)}
	}
	p.at = len(p.text) // so that every loop ends
}

// broken notes a broken rule at the value that is read, or at a field of it.
func (p *parser) broken(code event.Code, field string) {
	if p.violation == nil {
		p.violation = &event.Violation{Code: code, Pointer: p.pointer(field)}
	}
}

// maxPointer bounds a pointer in bytes: keys are the sender's.
const maxPointer = 512

func (p *parser) pointer(field string) string {
	b := make([]byte, 0, 64)
	for _, s := range p.path {
		b = append(b, '/')
		if s.index >= 0 {
			b = strconv.AppendInt(b, int64(s.index), 10)
			continue
		}
		b = appendToken(b, s.key)
	}
	if field != "" {
		b = append(append(b, '/'), field...)
	}
	if len(b) > maxPointer {
		b = append(b[:maxPointer], "…"...)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

var inPointer = strings.NewReplacer("~", "~0", "/", "~1")

func appendToken(b []byte, key string) []byte {
	if len(key) > maxPointer {
		key = key[:maxPointer]
	}
	return append(b, inPointer.Replace(unescape(key))...)
}

func (p *parser) space() {
	if p.at < len(p.text) && p.text[p.at] > ' ' { // mostly
		return
	}
	for ; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.spaces++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// value reads any value.
func (p *parser) value() {
	switch c := p.peek(); {
	case c == '"':
		p.string()
	case c == '{':
		p.object(nil)
	case c == '[':
		p.list(nil)
	case c == '-' || c >= '0' && c <= '9':
		p.number()
	case c == 't':
		p.word("true")
	case c == 'f':
		p.word("false")
	case c == 'n':
		p.word("null")
	case p.at == len(p.text):
		p.fail("the text ends where a value is expected")
	default:
		p.fail("no value begins like this")
	}
}

func (p *parser) word(word string) {
	if !strings.HasPrefix(p.text[p.at:], word) {
		p.fail("no value begins like this")
		return
	}
	p.at += len(word)
}

// open and leave count how deep a value is.
func (p *parser) open() {
	p.at++
	if p.depth++; p.depth > maxDepthRead {
		p.fail("values nest deeper than %d", maxDepthRead)
	} else if p.depth > maxDepth {
		p.broken(event.CodeNesting, "")
	}
}

// list reads an array. Each reads an element, whose index it gets; nil takes any value.
func (p *parser) list(each func(index int)) {
	p.open()
	if p.space(); p.peek() == ']' {
		p.close()
		return
	}
	p.path = append(p.path, segment{})
	for i := 0; p.err == nil; i++ {
		p.path[len(p.path)-1].index = i
		p.space()
		if each != nil {
			each(i)
		} else {
			p.value()
		}
		if p.more(']') {
			break
		}
	}
	p.path = p.path[:len(p.path)-1]
}

// object reads an object. Each reads the value of a field, whose key it gets as canonical has it; nil takes any
// value.
func (p *parser) object(each func(key string)) {
	p.open()
	if p.space(); p.peek() == '}' {
		p.close()
		return
	}
	first := len(p.keys)
	var many map[string]bool
	depth := len(p.path)
	for p.err == nil {
		p.space()
		if p.peek() != '"' {
			p.fail("a key in quotes is expected")
			break
		}
		key := p.string().key()
		p.path = append(p.path, segment{key, -1})
		many = p.unique(key, first, many)
		p.space()
		if p.peek() != ':' {
			p.fail("':' is expected after a key")
			break
		}
		p.at++
		p.space()
		if each != nil {
			each(key)
		} else {
			p.value()
		}
		p.path = p.path[:depth]
		if p.more('}') {
			break
		}
	}
	p.path, p.keys = p.path[:depth], p.keys[:first]
}

// unique notes a key that its object has already. Objects of few keys need no map.
func (p *parser) unique(key string, first int, many map[string]bool) map[string]bool {
	const few = 24
	mine := p.keys[first:]
	if many == nil {
		for _, k := range mine {
			if k == key {
				p.broken(event.CodeDuplicateField, "")
			}
		}
		if p.keys = append(p.keys, key); len(mine) == few {
			many = make(map[string]bool, 2*few)
			for _, k := range p.keys[first:] {
				many[k] = true
			}
		}
		return many
	}
	if many[key] {
		p.broken(event.CodeDuplicateField, "")
	}
	many[key] = true
	return many
}

// more reads what follows an element or a field; true at the end of the array or object.
func (p *parser) more(end byte) bool {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		return false
	case end:
		p.close()
		return true
	}
	if p.at == len(p.text) {
		p.fail("the text ends inside of an array or object")
	} else {
		p.fail("',' or '%c' is expected", end)
	}
	return true
}

func (p *parser) close() { p.at++; p.depth-- }
