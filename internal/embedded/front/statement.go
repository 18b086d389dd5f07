package front

import "strings"

// statement is what the front needs of a text of SQL to run it.
type statement struct {
	sql    string // without data and, for an insert, without its FORMAT clause
	kind   kind
	format string // of a FORMAT clause; for an insert that of its data, "Values" for VALUES
	data   string // the data that follows an insert in the same text
}

type kind int

const (
	other  kind = iota
	query       // gives rows that can be streamed
	insert      // takes data: INSERT … FORMAT or INSERT … VALUES
)

// parse reads as much of a statement as running it needs: its first word and, outside quotes, brackets and comments,
// the words FORMAT, VALUES and SELECT.
func parse(text string) statement {
	s := statement{sql: text}
	t := tokens{text: text}
	first, ok := t.next()
	if !ok {
		return s
	}
	switch strings.ToUpper(first.word) {
	case "SELECT", "WITH":
		s.kind = query
	case "(":
		s.kind = query
	case "INSERT":
		return parseInsert(s, &t)
	}
	for depth := 0; ; {
		token, ok := t.next()
		if !ok {
			return s
		}
		switch {
		case token.word == "(":
			depth++
		case token.word == ")":
			depth--
		case depth == 0 && strings.EqualFold(token.word, "FORMAT"):
			if name, ok := t.next(); ok && name.isWord() {
				s.format = name.word
			}
		case depth == 0 && s.kind == query && strings.EqualFold(token.word, "INTO"):
			s.kind = other // INTO OUTFILE
		}
	}
}

func parseInsert(s statement, t *tokens) statement {
	depth := 0
	for {
		token, ok := t.next()
		if !ok {
			return s
		}
		switch {
		case token.word == "(":
			depth++
		case token.word == ")":
			depth--
		case depth > 0:
		case strings.EqualFold(token.word, "SELECT"), strings.EqualFold(token.word, "WITH"),
			strings.EqualFold(token.word, "INFILE"):
			return s
		case strings.EqualFold(token.word, "VALUES"):
			s.kind, s.format = insert, "Values"
			s.sql, s.data = s.sql[:token.start], s.sql[token.end:]
			return s
		case strings.EqualFold(token.word, "FORMAT"):
			name, ok := t.next()
			if !ok || !name.isWord() {
				return s
			}
			s.kind, s.format = insert, name.word
			// The engine's own rule: after the format's name one newline at most belongs to the statement.
			data := strings.TrimLeft(s.sql[name.end:], " \t")
			data = strings.TrimPrefix(strings.TrimPrefix(data, "\r"), "\n")
			s.sql, s.data = s.sql[:token.start], data
			return s
		}
	}
}

// tokens walks through SQL: words, single characters, and quoted texts as one token each.
type tokens struct {
	text string
	pos  int
}

type token struct {
	word       string
	start, end int
}

func (t token) isWord() bool { return isWordByte(t.word[0]) }

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (t *tokens) next() (token, bool) {
	for t.pos < len(t.text) {
		c, rest := t.text[t.pos], t.text[t.pos:]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			t.pos++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "#!") || strings.HasPrefix(rest, "# "):
			t.skipPast("\n")
		case strings.HasPrefix(rest, "/*"):
			t.pos += 2
			t.skipPast("*/")
		case c == '\'' || c == '"' || c == '`':
			return t.quoted(c), true
		case isWordByte(c):
			start := t.pos
			for t.pos < len(t.text) && isWordByte(t.text[t.pos]) {
				t.pos++
			}
			return token{t.text[start:t.pos], start, t.pos}, true
		default:
			t.pos++
			return token{rest[:1], t.pos - 1, t.pos}, true
		}
	}
	return token{}, false
}

func (t *tokens) skipPast(end string) {
	if i := strings.Index(t.text[t.pos:], end); i >= 0 {
		t.pos += i + len(end)
	} else {
		t.pos = len(t.text)
	}
}

func (t *tokens) quoted(quote byte) token {
	start := t.pos
	for t.pos++; t.pos < len(t.text); t.pos++ {
		switch t.text[t.pos] {
		case '\\':
			t.pos++
		case quote:
			t.pos++
			return token{t.text[start:t.pos], start, t.pos}
		}
	}
	t.pos = len(t.text)
	return token{t.text[start:], start, t.pos}
}
