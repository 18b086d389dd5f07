package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/txflow/txflow/internal/transaction"
)

// Dialect is how rows are written. Its zero value is the real file's: ';', decimal commas, LF, no byte order mark,
// times as YYYY-MM-DD HH:MM:SS, the columns in the contract's order.
type Dialect struct {
	Delimiter byte
	Decimal   byte
	CRLF      bool
	BOM       bool
	RFC3339   bool
	Columns   []string // a permutation of transaction.Columns
}

func (d *Dialect) validate() error {
	var errs []error
	if d.Delimiter != 0 && strings.IndexByte(";,\t|", d.Delimiter) < 0 {
		errs = append(errs, fmt.Errorf("a delimiter of %q: ';', ',', tab or '|'", d.Delimiter))
	}
	if d.Decimal != 0 && d.Decimal != '.' && d.Decimal != ',' {
		errs = append(errs, fmt.Errorf("a decimal mark of %q: '.' or ','", d.Decimal))
	}
	if d.Columns != nil {
		sorted, want := slices.Sorted(slices.Values(d.Columns)), slices.Sorted(slices.Values(transaction.Columns[:]))
		if !slices.Equal(sorted, want) {
			errs = append(errs, fmt.Errorf("columns %v: each of %v once", d.Columns, transaction.Columns))
		}
	}
	return errors.Join(errs...)
}

// writer appends records in a dialect.
type writer struct {
	Dialect
	order [len(transaction.Columns)]int // what stands where
	end   string
	clock [2]byte // what follows the date, and what follows the time; 0 for nothing
}

func newWriter(d Dialect) writer {
	if d.Delimiter == 0 {
		d.Delimiter = ';'
	}
	if d.Decimal == 0 {
		d.Decimal = ','
	}
	w := writer{Dialect: d, end: "\n", clock: [2]byte{' ', 0}}
	if d.CRLF {
		w.end = "\r\n"
	}
	if d.RFC3339 {
		w.clock = [2]byte{'T', 'Z'}
	}
	for i := range w.order {
		w.order[i] = i
		if d.Columns != nil {
			w.order[i] = slices.Index(transaction.Columns[:], d.Columns[i])
		}
	}
	return w
}

func (w *writer) appendHeader(b []byte) []byte {
	if w.BOM {
		b = append(b, "\xef\xbb\xbf"...)
	}
	for i, column := range w.order {
		if i > 0 {
			b = append(b, w.Delimiter)
		}
		b = append(b, transaction.Columns[column]...)
	}
	return append(b, w.end...)
}

// appendRow is the fast path: nothing in an ordinary row needs escaping, but an amount whose mark is the delimiter.
func (w *writer) appendRow(b []byte, r *row) []byte {
	for i, column := range w.order {
		if i > 0 {
			b = append(b, w.Delimiter)
		}
		switch {
		case column == transaction.ColID, column == transaction.ColAmount && w.Decimal != w.Delimiter:
			b = w.appendValue(b, r, column)
		default:
			b = append(w.appendValue(append(b, '"'), r, column), '"')
		}
	}
	return append(b, w.end...)
}

func (w *writer) appendValue(b []byte, r *row, column int) []byte {
	switch column {
	case transaction.ColID:
		return strconv.AppendUint(b, r.id, 10)
	case transaction.ColDescription:
		text := descriptions[r.description]
		b = append(b, text...)
		if text[len(text)-1] == ' ' {
			b = append(b, merchants[r.merchant]...)
		}
		return b
	case transaction.ColAmount:
		if r.debit {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(r.cents/100), 10)
		return two(append(b, w.Decimal), r.cents%100)
	case transaction.ColTimestamp:
		b = append(append(b, dates[r.day][:]...), w.clock[0])
		b = two(append(two(append(two(b, r.hour), ':'), r.minute), ':'), r.second)
		if w.clock[1] != 0 {
			b = append(b, w.clock[1])
		}
		return b
	case transaction.ColMerchant:
		return append(b, merchants[r.merchant]...)
	case transaction.ColOperation:
		return append(b, operations[r.op]...)
	}
	if r.debit {
		return append(b, "debit"...)
	}
	return append(b, "credit"...)
}

func two(b []byte, n uint32) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
