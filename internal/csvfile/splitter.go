package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Block is a piece of a file that holds whole records.
type Block struct {
	Data []byte
	Line uint64 // the line that Data starts at, counted from 1
	Last bool   // nothing follows
}

// UnclosedQuoteError says that the file ends inside a quoted field.
type UnclosedQuoteError struct{ Line uint64 }

func (e *UnclosedQuoteError) Error() string {
	return fmt.Sprintf("line %d: a quote that opens in this record is never closed", e.Line)
}

// RecordTooLongError says that a record exceeds the limit.
type RecordTooLongError struct {
	Line  uint64
	Limit int // bytes
}

func (e *RecordTooLongError) Error() string {
	return fmt.Sprintf("line %d: the record that starts here is longer than %d bytes; is a quote left open in it? If "+
		"not, --max-record raises the limit", e.Line, e.Limit)
}

// Splitter cuts a stream into blocks at the ends of records, outside quotes. Memory is one block and the rest of one
// record, whatever the file's size.
type Splitter struct {
	r         io.Reader
	delimiter byte
	size      int
	maxRecord int
	rest      []byte
	line      uint64
	done      bool
	free      sync.Pool // of *[]byte
}

// NewSplitter reads r in blocks of about size bytes; a record may have at most maxRecord bytes without its line end.
// First is the number of the first line of r.
func NewSplitter(r io.Reader, delimiter byte, size, maxRecord int, first uint64) *Splitter {
	return &Splitter{r: r, delimiter: delimiter, size: size, maxRecord: maxRecord, line: first}
}

// Recycle gives a block's buffer back for use by a later Next. Nothing may alias it any more.
func (s *Splitter) Recycle(b Block) {
	buf := b.Data[:0:cap(b.Data)]
	s.free.Put(&buf)
}

func (s *Splitter) buffer(n int) []byte {
	if p, ok := s.free.Get().(*[]byte); ok && cap(*p) >= n {
		return *p
	}
	return make([]byte, 0, n)
}

// Next returns the next block in a buffer of its own, io.EOF after the last.
func (s *Splitter) Next() (Block, error) {
	if s.done {
		return Block{}, io.EOF
	}
	buf := append(s.buffer(s.size+len(s.rest)), s.rest...)
	scan := quoteWalk{delimiter: s.delimiter, limit: s.maxRecord, long: -1}
	for {
		n, err := io.ReadFull(s.r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		eof := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !eof {
			return Block{}, err
		}
		end := scan.walk(buf)
		if eof {
			s.done = true
			if scan.inQuotes && scan.pos == len(buf) {
				return Block{}, &UnclosedQuoteError{Line: s.lineAt(buf, scan.recordStart)}
			}
			end = len(buf)
		}
		if scan.long < 0 && length(buf[scan.recordStart:]) > s.maxRecord {
			scan.long = scan.recordStart
		}
		if scan.long >= 0 {
			return Block{}, &RecordTooLongError{Line: s.lineAt(buf, scan.long), Limit: s.maxRecord}
		}
		if end > 0 || eof {
			b := Block{Data: buf[:end], Line: s.line, Last: eof}
			s.rest = append(s.rest[:0], buf[end:]...)
			s.line += uint64(bytes.Count(b.Data, newline))
			if eof && end == 0 {
				return Block{}, io.EOF
			}
			return b, nil
		}
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
}

func (s *Splitter) lineAt(buf []byte, pos int) uint64 {
	return s.line + uint64(bytes.Count(buf[:pos], newline))
}

// quoteWalk finds where records end. A quote opens a quoted field only at a field's start, exactly as in Scanner.
type quoteWalk struct {
	delimiter   byte
	limit       int // bytes of a record
	pos         int // everything before is walked
	recordStart int // where the record begins that contains pos
	long        int // where the first record begins that is over the limit, -1 for none
	inQuotes    bool
}

// walk goes on to the end of buf and returns the position after the last record that ends in it, 0 if none does. buf
// grows between calls; it never changes.
func (w *quoteWalk) walk(buf []byte) int {
	pos, delimiter := w.pos, w.delimiter
	for pos < len(buf) {
		// Fields are short: a plain loop is quicker than a call of bytes.IndexByte for each.
		if w.inQuotes {
			for pos < len(buf) && buf[pos] != '"' {
				pos++
			}
			switch {
			case pos+1 >= len(buf): // it closes the field, or is the first half of an escaped quote, or there is none yet
				w.pos = pos
				return w.recordStart
			case buf[pos+1] == '"':
				pos += 2
			default:
				pos++
				w.inQuotes = false
			}
			continue
		}
		c := buf[pos]
		for c != '"' && c != '\n' && pos+1 < len(buf) {
			pos++
			c = buf[pos]
		}
		switch {
		case c == '\n':
			if pos-w.recordStart > w.limit && w.long < 0 && length(buf[w.recordStart:pos]) > w.limit {
				w.long = w.recordStart
			}
			w.recordStart = pos + 1
		case c == '"' && (pos == 0 || buf[pos-1] == delimiter || buf[pos-1] == '\n'):
			w.inQuotes = true
		}
		pos++
	}
	w.pos = pos
	return w.recordStart
}

// length counts the bytes of a record without the CR of its line end.
func length(record []byte) int { return len(bytes.TrimSuffix(record, []byte{'\r'})) }

var newline = []byte{'\n'}
