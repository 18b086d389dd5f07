// Package csvfile reads CSV of the dialects that banks send: it detects delimiter and decimal mark, cuts a file into
// blocks of whole records, and scans a block without copying. RFC 4180 quoting; empty lines are no records.
package csvfile

// Record is one row of a file. Its slices alias the block, or the scanner's scratch, until the next call of Scan.
type Record struct {
	Raw    []byte   // the whole record without its line end
	Line   uint64   // the line it starts at, counted from 1
	Fields [][]byte // the first fields, as many as Reset was asked for; those past N are of earlier records
	N      int      // how many fields it has; may exceed len(Fields)
	Stray  bool     // a quote inside an unquoted field, or text after a closing quote
}

// Scanner walks through the records of a block.
type Scanner struct {
	delimiter byte
	data      []byte
	line      uint64
	scratch   []byte
	Record    Record
}

// Reset puts the scanner at the start of a block. It keeps the first so many fields of each record, and counts the
// others.
func (s *Scanner) Reset(b Block, delimiter byte, fields int) {
	s.data, s.line, s.delimiter = b.Data, b.Line, delimiter
	if len(s.Record.Fields) != fields {
		s.Record.Fields = make([][]byte, fields)
	}
}

// Scan reads the next record into s.Record; false at the block's end.
func (s *Scanner) Scan() bool {
	data := s.data
	for len(data) > 0 && (data[0] == '\n' || data[0] == '\r' && (len(data) == 1 || data[1] == '\n')) {
		if data[0] == '\n' {
			s.line++
		}
		data = data[1:]
	}
	if len(data) == 0 {
		s.data = nil
		return false
	}
	r := &s.Record
	r.Line, r.N, r.Stray = s.line, 0, false
	s.scratch = s.scratch[:0]
	pos := 0
	for {
		var field []byte
		if pos < len(data) && data[pos] == '"' {
			field, pos = s.quoted(data, pos+1)
		} else {
			field, pos = s.plain(data, pos)
		}
		if r.N < len(r.Fields) {
			r.Fields[r.N] = field
		}
		r.N++
		if pos >= len(data) || data[pos] == '\n' {
			break
		}
		pos++
	}
	r.Raw = data[:pos]
	if pos > 0 && data[pos-1] == '\r' {
		r.Raw = data[:pos-1]
	}
	if pos < len(data) {
		pos++
		s.line++
	}
	s.data = data[pos:]
	return true
}

// plain reads an unquoted field and returns it with the position of what ends it.
func (s *Scanner) plain(data []byte, pos int) ([]byte, int) {
	start := pos
	for ; pos < len(data); pos++ {
		c := data[pos]
		if c == s.delimiter || c == '\n' {
			break
		}
		if c == '"' {
			s.Record.Stray = true
		}
	}
	end := pos
	if end > start && data[end-1] == '\r' && (end == len(data) || data[end] == '\n') {
		end--
	}
	return data[start:end], pos
}

// quoted reads a field whose opening quote precedes pos, and returns it unescaped with the position of what ends it.
func (s *Scanner) quoted(data []byte, pos int) ([]byte, int) {
	start, escaped := pos, len(s.scratch)
	for {
		for ; pos < len(data) && data[pos] != '"'; pos++ {
			if data[pos] == '\n' {
				s.line++
			}
		}
		if pos == len(data) { // only when the file ends inside quotes, which the Splitter has refused already
			s.Record.Stray = true
			return data[start:], len(data)
		}
		pos++
		if pos < len(data) && data[pos] == '"' {
			s.scratch = append(s.scratch, data[start:pos]...)
			pos++
			start = pos
			continue
		}
		break
	}
	field := data[start : pos-1]
	if escaped < len(s.scratch) {
		s.scratch = append(s.scratch, field...)
		field = s.scratch[escaped:len(s.scratch):len(s.scratch)]
	}
	switch {
	case pos >= len(data) || data[pos] == s.delimiter || data[pos] == '\n':
	case data[pos] == '\r' && (pos+1 == len(data) || data[pos+1] == '\n'):
		pos++
	default:
		s.Record.Stray = true
		_, pos = s.plain(data, pos)
	}
	return field, pos
}
