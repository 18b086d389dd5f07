package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Errors of a file that can not be read as CSV at all.
var (
	ErrEmpty  = errors.New("the file is empty")
	ErrUTF16  = errors.New("the file is UTF-16; convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8")
	ErrBinary = errors.New("the file is binary, not CSV text")
)

// Dialect is how a file writes its rows.
type Dialect struct {
	Delimiter    byte
	DecimalPoint byte
	Columns      []int // for each wanted column its place in a record
	Width        int   // fields in the header
	Ignored      []string
	HeaderBytes  int    // where the first row starts, behind BOM and header
	FirstLine    uint64 // the line number of the first row
}

// Options overrule what is detected; a zero byte detects.
type Options struct {
	Delimiter    byte
	DecimalPoint byte
}

// Detect reads the dialect from the beginning of a file: the header, which must name every column of wanted in any
// order and any case, and the first rows, whose values in the column numeric show the decimal mark. Head is up to the
// first 64 KiB of the file.
func Detect(head []byte, wanted []string, numeric string, opt Options) (Dialect, error) {
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if err := checkText(head, text); err != nil {
		return Dialect{}, err
	}
	candidates := []byte{';', ',', '\t', '|'}
	if opt.Delimiter != 0 {
		candidates = []byte{opt.Delimiter}
	}
	var d Dialect
	var first error
	for _, delimiter := range candidates {
		found, err := readHeader(text, delimiter, wanted)
		if err == nil {
			d, first = found, nil
			break
		}
		if first == nil || errors.As(err, new(*HeaderError)) && betterHeader(err, first) {
			first = err
		}
	}
	if first != nil {
		return Dialect{}, first
	}
	d.DecimalPoint = opt.DecimalPoint
	if d.DecimalPoint == 0 {
		d.DecimalPoint = decimalPoint(text, d, wanted, numeric)
	}
	d.HeaderBytes += len(head) - len(text)
	return d, nil
}

func checkText(head, text []byte) error {
	if len(bytes.TrimLeft(text, "\r\n \t")) == 0 {
		return ErrEmpty
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return ErrUTF16
	}
	sample := text[:min(len(text), 4096)]
	if line := bytes.IndexByte(sample, '\n'); line >= 0 {
		sample = sample[:line+1] // a NUL in a row makes a rejected row, not a binary file
	}
	if nul := bytes.Count(sample, []byte{0}); nul > 0 {
		if nul*3 > len(sample) && nul*3 < 2*len(sample) {
			return ErrUTF16
		}
		return ErrBinary
	}
	for _, c := range sample {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return ErrBinary
		}
	}
	return nil
}

// HeaderError says what is wrong with the header line.
type HeaderError struct {
	Missing   []string
	Twice     string
	Found     int // columns in the header
	Delimiter byte
}

func (e *HeaderError) Error() string {
	if e.Twice != "" {
		return fmt.Sprintf("the header names the column %q twice", e.Twice)
	}
	return fmt.Sprintf("the header lacks %s (read as %d columns with the delimiter %q)",
		strings.Join(e.Missing, ", "), e.Found, string(e.Delimiter))
}

// betterHeader prefers the error of the delimiter under which the header made more sense.
func betterHeader(a, b error) bool {
	var ea, eb *HeaderError
	return errors.As(a, &ea) && (!errors.As(b, &eb) || len(ea.Missing) < len(eb.Missing))
}

func readHeader(text []byte, delimiter byte, wanted []string) (Dialect, error) {
	var s Scanner
	s.Reset(Block{Data: text, Line: 1}, delimiter)
	if !s.Scan() {
		return Dialect{}, ErrEmpty
	}
	d := Dialect{Delimiter: delimiter, Columns: make([]int, len(wanted)), Width: s.Record.N, FirstLine: s.line,
		HeaderBytes: len(text) - len(s.data)}
	place := make(map[string]int, s.Record.N)
	for i := range min(s.Record.N, MaxColumns) {
		name := strings.ToLower(strings.TrimSpace(string(s.Record.Fields[i])))
		if _, twice := place[name]; twice {
			return Dialect{}, &HeaderError{Twice: name, Found: s.Record.N, Delimiter: delimiter}
		}
		place[name] = i
	}
	var missing []string
	for i, name := range wanted {
		at, ok := place[name]
		if !ok {
			missing = append(missing, name)
		}
		d.Columns[i] = at
		delete(place, name)
	}
	if len(missing) > 0 {
		return Dialect{}, &HeaderError{Missing: missing, Found: s.Record.N, Delimiter: delimiter}
	}
	for i := range min(s.Record.N, MaxColumns) {
		name := strings.ToLower(strings.TrimSpace(string(s.Record.Fields[i])))
		if _, ok := place[name]; ok {
			d.Ignored = append(d.Ignored, name)
		}
	}
	return d, nil
}

// decimalPoint counts which mark the sample's numbers hold. Without any, it is the one that the delimiter leaves free.
func decimalPoint(text []byte, d Dialect, wanted []string, numeric string) byte {
	column := -1
	for i, name := range wanted {
		if name == numeric {
			column = d.Columns[i]
		}
	}
	var s Scanner
	s.Reset(Block{Data: text[d.HeaderBytes:], Line: 2}, d.Delimiter)
	points, commas := 0, 0
	for s.Scan() {
		if s.Record.N != d.Width || s.Record.Stray || column < 0 {
			continue
		}
		value := s.Record.Fields[column]
		points += bytes.Count(value, []byte{'.'})
		commas += bytes.Count(value, []byte{','})
	}
	if commas > points || commas == points && d.Delimiter == ';' {
		return ','
	}
	return '.'
}
