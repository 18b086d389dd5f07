// Package table prints stored text on terminals: as a table, and so that it cannot move the cursor.
package table

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Table prints rows under a header; columns named in right are aligned to the right.
type Table struct {
	header  []string
	right   map[string]bool
	rows    [][]string
	Columns int // lines are cut there; 0 for never
}

// New is an empty table.
func New(header ...string) *Table { return &Table{header: header, right: map[string]bool{}} }

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

// Print prints header, rule and rows.
func (t *Table) Print(w io.Writer) {
	width := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string) {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if t.right[t.header[i]] {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		text := []rune(strings.TrimRight(b.String(), " "))
		if t.Columns > 0 && len(text) > t.Columns {
			text = append(text[:t.Columns-1], '…')
		}
		_, _ = fmt.Fprintln(w, string(text))
	}
	line(t.header)
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
}

// FirstLine is a text without its other lines.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
