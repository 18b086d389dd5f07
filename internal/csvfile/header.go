package csvfile

import (
	"fmt"
	"slices"
	"strings"
)

// HeaderError says what is wrong with the header line, and what the file has instead.
type HeaderError struct {
	Missing   []string
	Twice     string   // a wanted column that is named twice
	Found     int      // columns in the first line
	Names     []string // theirs, as far as they can be names; nil where the line looks like a row of data
	Delimiter byte
	Data      bool   // the first line looks like a row of data
	Line      uint64 // a line further down that looks like the header, 0 for none
	Width     int    // columns there
}

const (
	shownNames = 20 // names of columns in an error, at most
	nameBytes  = 40 // of each
	leastNames = 4  // a line of fewer columns is rather a title, which may name the account's owner
)

func (e *HeaderError) Error() string {
	if e.Twice != "" {
		return fmt.Sprintf("the header names the column %q twice", e.Twice)
	}
	s := fmt.Sprintf("the header lacks %s (read with the delimiter %q, the first line has %d columns",
		strings.Join(e.Missing, ", "), string(e.Delimiter), e.Found)
	switch {
	case e.Line > 0: // what is before a header may be somebody's name
	case e.Data:
		s += " and looks like a row of data: is there no header?"
	case len(e.Names) > 0 && e.Found >= leastNames:
		s += ": " + strings.Join(e.Names[:min(len(e.Names), shownNames)], ", ")
		if more := e.Found - min(len(e.Names), shownNames); more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
	}
	s += ")"
	if e.Line > 0 {
		s += fmt.Sprintf(". Line %d looks like a header, with %d columns: cut what is before it, tail -n +%d FILE", e.Line,
			e.Width, e.Line)
	}
	return s
}

// betterThan prefers the delimiter under which the header makes more sense: fewer columns missing, then more found.
func (e *HeaderError) betterThan(o *HeaderError) bool {
	switch {
	case o == nil:
		return true
	case len(e.Missing) != len(o.Missing):
		return len(e.Missing) < len(o.Missing)
	}
	return e.Found > o.Found
}

func readHeader(text []byte, delimiter byte, wanted []string) (Dialect, error) {
	s, ok := firstRecord(text, delimiter)
	if !ok {
		return Dialect{}, ErrEmpty
	}
	end := len(text) - len(s.data)
	d := Dialect{Delimiter: delimiter, Columns: make([]int, len(wanted)), Width: s.Record.N, FirstLine: s.line,
		HeaderBytes: end, headerEnd: end}
	place := make(map[string]int, len(wanted))
	for i := range s.Record.N {
		name := columnName(s.Record.Fields[i])
		if _, twice := place[name]; twice && slices.Contains(wanted, name) {
			return Dialect{}, &HeaderError{Twice: name, Found: s.Record.N, Delimiter: delimiter}
		} else if !twice {
			place[name] = i
		}
		if name != "" && !slices.Contains(wanted, name) && !slices.Contains(d.Ignored, name) {
			d.Ignored = append(d.Ignored, name)
		}
	}
	var missing []string
	for i, name := range wanted {
		at, ok := place[name]
		if !ok {
			missing = append(missing, name)
		}
		d.Columns[i] = at
	}
	if len(missing) > 0 {
		e := &HeaderError{Missing: missing, Found: s.Record.N, Delimiter: delimiter}
		e.Names, e.Data = names(&s.Record)
		return Dialect{}, e
	}
	return d, nil
}

// firstRecord scans the first record of a text with all of its fields.
func firstRecord(text []byte, delimiter byte) (s Scanner, ok bool) {
	s.Reset(Block{Data: text, Line: 1}, delimiter, 0)
	if !s.Scan() {
		return s, false
	}
	s.Reset(Block{Data: text, Line: 1}, delimiter, s.Record.N)
	return s, s.Scan()
}

func columnName(field []byte) string { return strings.ToLower(strings.TrimSpace(string(field))) }

// names returns what can be shown of a line as names of columns: values of a row must never be. A line in which
// something looks like a number, a date or an id is no header.
func names(r *Record) (all []string, data bool) {
	for i := range r.N {
		name := strings.TrimSpace(string(r.Fields[i]))
		digits := strings.ContainsAny(name, "0123456789")
		if digits && (name[0] >= '0' && name[0] <= '9' || name[0] == '-' || name[0] == '+') {
			return nil, true
		}
		if name != "" && !digits && len(name) <= nameBytes && len(all) < shownNames {
			all = append(all, fmt.Sprintf("%q", name))
		}
	}
	return all, false
}

// Bounds of the search for a header that is not the first line.
const (
	headerLines = 50   // lines
	maxHeader   = 1000 // columns
)

// lookFurther looks for a header below the first line: the line with the most wanted names, or else the widest that is
// wider than the first line, holds names only, and is followed by a line that is as wide.
func (e *HeaderError) lookFurther(text []byte, candidates []byte, wanted []string) {
	best, widest := len(wanted)-len(e.Missing), e.Found
	for _, delimiter := range candidates {
		var s Scanner
		s.Reset(Block{Data: text, Line: 1}, delimiter, maxHeader)
		s.Scan()          // the first line
		var before uint64 // the line before, when it may be a header
		width := 0
		for n := 1; n < headerLines && s.Scan(); n++ {
			r := &s.Record
			if r.N > len(r.Fields) {
				continue
			}
			if n := matches(r, wanted); n > best {
				best, widest, e.Line, e.Width = n, len(text), r.Line, r.N // no shape outdoes names
			}
			if before > 0 && r.N == width && width > widest {
				widest, e.Line, e.Width = width, before, width
			}
			before = 0
			if _, data := names(r); !data && r.N >= leastNames {
				before, width = r.Line, r.N
			}
		}
	}
}

func matches(r *Record, wanted []string) (n int) {
	for _, f := range r.Fields[:r.N] {
		if slices.Contains(wanted, columnName(f)) {
			n++
		}
	}
	return n
}
