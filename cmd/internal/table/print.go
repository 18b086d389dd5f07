package table

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// gap is what is between columns, and before a row whose first columns stand above it.
const gap = "  "

// Print prints header, rule and rows.
func (t *Table) Print(w io.Writer) {
	above, rest := t.split()
	indent := ""
	if len(above) > 0 {
		indent = gap
	}
	widths := t.widths(rest)
	if t.Columns == 0 {
		t.narrow(rest, widths, indent)
	}
	row := func(cells []string) {
		t.printAbove(w, cells, above)
		t.printRow(w, cells, rest, widths, indent)
	}
	row(t.header)
	rule := make([]string, len(t.header))
	for i, at := range rest {
		rule[at] = strings.Repeat("-", widths[i])
	}
	t.printRow(w, rule, rest, widths, indent)
	for _, cells := range t.rows {
		row(cells)
	}
}

// split are the places of the columns that stand above their row, and of the others: of those that may, the widest, and
// as many as it takes for the others to fit.
func (t *Table) split() (above, rest []int) {
	for at := range t.header {
		rest = append(rest, at)
	}
	all := t.widths(rest)
	indent := ""
	for t.Columns == 0 && width(t.widths(rest), indent) > Width {
		widest := -1
		for i, at := range rest {
			if t.own[t.header[at]] && (widest < 0 || all[at] > all[rest[widest]]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		above, indent = append(above, rest[widest]), gap
		rest = slices.Delete(rest, widest, widest+1)
	}
	slices.Sort(above)
	return above, rest
}

// widths are those of columns, by their places.
func (t *Table) widths(places []int) []int {
	widths := make([]int, len(places))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, at := range places {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[at]))
		}
	}
	return widths
}

func width(widths []int, indent string) int {
	n := len(indent) + len(gap)*max(len(widths)-1, 0)
	for _, one := range widths {
		n += one
	}
	return n
}

// narrow makes columns that may be folded narrower, the widest first, until the table fits.
func (t *Table) narrow(places, widths []int, indent string) {
	for width(widths, indent) > Width {
		widest := -1
		for i, at := range places {
			if t.folded[t.header[at]] && widths[i] > utf8.RuneCountInString(t.header[at]) &&
				(widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// printAbove prints the cells that have a line of their own; of several, an empty one is a dash, which keeps the
// others' places.
func (t *Table) printAbove(w io.Writer, cells []string, places []int) {
	var shown []string
	for _, at := range places {
		if cell := cells[at]; cell != "" {
			shown = append(shown, cell)
		} else if len(places) > 1 {
			shown = append(shown, "-")
		}
	}
	if len(shown) == 0 {
		return
	}
	for i, line := range Fold(strings.Join(shown, gap), Width-2*len(gap)) {
		if i > 0 {
			line = gap + gap + line
		}
		_, _ = fmt.Fprintln(w, line)
	}
}

// printRow prints cells, those that are too long in several lines.
func (t *Table) printRow(w io.Writer, cells []string, places, widths []int, indent string) {
	folded := make([][]string, len(places))
	lines := 1
	for i, at := range places {
		folded[i] = []string{cells[at]}
		if utf8.RuneCountInString(cells[at]) > widths[i] {
			folded[i] = Fold(cells[at], widths[i])
		}
		lines = max(lines, len(folded[i]))
	}
	for n := range lines {
		var b strings.Builder
		b.WriteString(indent)
		for i, at := range places {
			cell := ""
			if n < len(folded[i]) {
				cell = folded[i][n]
			}
			pad := strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0))
			if i > 0 {
				b.WriteString(gap)
			}
			if t.right[t.header[at]] {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		_, _ = fmt.Fprintln(w, Cut(strings.TrimRight(b.String(), " "), t.Columns))
	}
}

// Fold breaks a text into lines of so many columns at most: after a blank or a mark between words where there is one in
// the second half of a line.
func Fold(s string, columns int) (lines []string) {
	text := []rune(s)
	for columns > 0 && len(text) > columns {
		at := columns
		for i := columns; i > columns/2; i-- {
			if strings.ContainsRune(` \/-_.,:;`, text[i-1]) || text[i] == ' ' {
				at = i
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(text[:at]), " "))
		text = []rune(strings.TrimLeft(string(text[at:]), " "))
	}
	return append(lines, string(text))
}
