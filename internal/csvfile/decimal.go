package csvfile

import (
	"bytes"
	"fmt"
)

// MarkBasis says why a decimal mark is believed.
type MarkBasis string

// The ways in which a file's decimal mark is known.
const (
	MarkGiven    MarkBasis = "given"    // by Options
	MarkSeen     MarkBasis = "seen"     // numbers of the sample can only be read with it
	MarkAssumed  MarkBasis = "assumed"  // the sample's numbers hold no mark: it is the one that the delimiter leaves free
	MarkDisputed MarkBasis = "disputed" // some numbers say so and some say the other; most decide
)

// AmbiguousError says that the decimal mark of a file can not be distinguished from a thousands separator.
type AmbiguousError struct {
	Line uint64 // of a number that can be read in two ways
	Mark byte
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("line %d: a number with %q and three digits after it, or with more than one, can be read in two "+
		"ways: nothing in the file decides whether that is its decimal mark or separates thousands", e.Line, string(e.Mark))
}

// Reading is what one number shows of the marks.
type Reading struct {
	Decimal  byte // the mark that must be the decimal one, 0 where the number does not decide
	Grouping byte // the mark that must separate thousands
	Either   byte // the only mark, which can be either: one to three digits, the mark, three digits
}

// ReadMarks reads the marks of one number. What is no number shows nothing.
func ReadMarks(b []byte) (r Reading) {
	b = bytes.Trim(b, " \t")
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	first, last, total := -1, -1, [2]int{} // positions of the first and the last mark; points and commas
	for i, c := range b {
		switch {
		case c == '.' || c == ',':
			if first < 0 {
				first = i
			}
			last = i
			total[kind(c)]++
		case c < '0' || c > '9':
			return Reading{}
		}
	}
	if first <= 0 || last == len(b)-1 {
		return Reading{}
	}
	mark := b[last]
	same, others := total[kind(mark)], total[kind(other(mark))]
	switch {
	case same == 1 && others == 0 && grouped(b, mark):
		r.Either = mark
	case same == 1 && others == 0:
		r.Decimal = mark
	case others == 0 && grouped(b, mark): // one mark several times
		r.Grouping = mark
	case same == 1 && grouped(b[:last], other(mark)):
		r.Decimal, r.Grouping = mark, other(mark)
	}
	return r
}

// grouped reports whether digits are in groups of three, the first of one to three.
func grouped(b []byte, mark byte) bool {
	for i, group := range bytes.Split(b, []byte{mark}) {
		if i == 0 && (len(group) < 1 || len(group) > 3 || group[0] == '0') || i > 0 && len(group) != 3 {
			return false
		}
	}
	return true
}

func kind(mark byte) int {
	if mark == ',' {
		return 1
	}
	return 0
}

func other(mark byte) byte {
	if mark == ',' {
		return '.'
	}
	return ','
}

// marks counts what the numbers of a sample show, by kind of mark.
type marks struct {
	decimal, grouping, either [2]int
	line                      [2]uint64 // the first number that can be read in two ways
}

func (m *marks) add(r Reading, line uint64) {
	count(&m.decimal, r.Decimal)
	count(&m.grouping, r.Grouping)
	count(&m.either, r.Either)
	if mark := max(r.Either, r.Grouping); mark != 0 && r.Decimal == 0 && m.line[kind(mark)] == 0 {
		m.line[kind(mark)] = line
	}
}

func count(n *[2]int, mark byte) {
	if mark != 0 {
		n[kind(mark)]++
	}
}

// decide returns the decimal mark. A sample whose only marks could as well separate thousands is an AmbiguousError: an
// amount that is a thousand times too small would look like any other.
func (m *marks) decide(delimiter byte) (byte, MarkBasis, error) {
	points, commas := m.decimal[0], m.decimal[1]
	switch {
	case points > 0 && commas > 0:
		mark := byte('.')
		if commas > points {
			mark = ','
		}
		return mark, MarkDisputed, m.ambiguous(mark)
	case points > 0:
		return '.', MarkSeen, m.unlessGrouping('.')
	case commas > 0:
		return ',', MarkSeen, m.unlessGrouping(',')
	}
	for _, mark := range []byte{',', '.'} {
		if err := m.ambiguous(mark); err != nil {
			return mark, MarkAssumed, err
		}
	}
	if delimiter == ';' {
		return ',', MarkAssumed, nil
	}
	return '.', MarkAssumed, nil
}

// separator returns the mark that separates thousands in the sample, 0 for none.
func (m *marks) separator() byte {
	for _, mark := range []byte{',', '.'} {
		if m.grouping[kind(mark)] > 0 {
			return mark
		}
	}
	return 0
}

// unlessGrouping refuses a decimal mark that separates thousands elsewhere in the sample.
func (m *marks) unlessGrouping(mark byte) error {
	if m.grouping[kind(mark)] > 0 {
		return m.ambiguous(mark)
	}
	return nil
}

func (m *marks) ambiguous(mark byte) error {
	if k := kind(mark); m.either[k] > 0 || m.grouping[k] > 0 {
		return &AmbiguousError{Line: m.line[k], Mark: mark}
	}
	return nil
}

// sampleMarks reads the marks of a column in the rows of a sample. A last row that the sample's end cuts off is left
// out.
func sampleMarks(text []byte, d *Dialect, column int, cut bool) (m marks) {
	rows := text[d.headerEnd:]
	if cut {
		rows = rows[:bytes.LastIndexByte(rows, '\n')+1]
	}
	var s Scanner
	s.Reset(Block{Data: rows, Line: d.FirstLine}, d.Delimiter, d.Width)
	for s.Scan() {
		if s.Record.N == d.Width && !s.Record.Stray {
			m.add(ReadMarks(s.Record.Fields[column]), s.Record.Line)
		}
	}
	return m
}
