// Package table prints stored text on terminals: as a table, and so that it cannot move the cursor.
package table

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is what a table takes of a terminal, at most. Where it would be wider, columns that may do so go on in the next
// line, or stand in lines of their own.
const Width = 100

// Table prints rows under a header; columns named in right are aligned to the right.
type Table struct {
	header  []string
	right   map[string]bool
	folded  map[string]bool
	own     map[string]bool
	rows    [][]string
	Columns int // lines are cut there, and nothing is folded; 0 for never
}

// New is an empty table.
func New(header ...string) *Table {
	return &Table{header: header, right: map[string]bool{}, folded: map[string]bool{}, own: map[string]bool{}}
}

// Fold lets cells of columns, by their headings, go on in the next line where the table would be too wide.
func (t *Table) Fold(names ...string) *Table {
	for _, n := range names {
		t.folded[n] = true
	}
	return t
}

// Own puts columns, by their headings, in a line of their own above the rest of the row where the table would be too
// wide: the widest, and no more than it takes.
func (t *Table) Own(names ...string) *Table {
	for _, n := range names {
		t.own[n] = true
	}
	return t
}

// AlignRight aligns columns, by their headings, to the right.
func (t *Table) AlignRight(names ...string) *Table {
	for _, n := range names {
		t.right[n] = true
	}
	return t
}

// Add adds a row.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = Plain(cell)
	}
	t.rows = append(t.rows, row)
}

// Plain is stored text as a terminal may have it: what would move the cursor, start a line, colour or reorder the text
// is shown as an escape of Go's, \n for a newline.
func Plain(s string) string {
	if !strings.ContainsFunc(s, Unprintable) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || Unprintable(r) {
			quoted := strconv.Quote(s[i : i+size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// Unprintable are control characters, format characters such as those that reverse text, and line separators.
func Unprintable(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// Cut is a text of so many columns at most; 0 for any.
func Cut(s string, columns int) string {
	if text := []rune(s); columns > 0 && len(text) > columns {
		return string(text[:columns-1]) + "…"
	}
	return s
}

// FirstLine is a text without its other lines.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
