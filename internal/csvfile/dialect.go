package csvfile

import (
	"bytes"
	"errors"
	"slices"
)

// Dialect is how a file writes its rows.
type Dialect struct {
	Delimiter    byte
	DecimalPoint byte
	MarkBasis    MarkBasis // why DecimalPoint is believed
	Grouping     byte      // what separates thousands in numbers of the sample, 0 for nothing
	Columns      []int     // for each wanted column its place in a record
	Width        int       // fields in the header
	Ignored      []string  // names of the other columns, each once; those without a name are left out
	HeaderBytes  int       // where the first row starts, after BOM and header
	FirstLine    uint64    // the line number of the first row
	headerEnd    int       // HeaderBytes without the BOM
}

// Decided reports whether the decimal mark is beyond doubt; else a number with three digits after the mark may be
// another one.
func (d *Dialect) Decided() bool { return d.MarkBasis == MarkGiven || d.MarkBasis == MarkSeen }

// Options overrule what is detected; a zero byte detects.
type Options struct {
	Delimiter    byte
	DecimalPoint byte
	Cut          bool // the head is not the whole file, so its last row may be cut off
}

// delimiters are tried in this order.
var delimiters = []byte{';', ',', '\t', '|'}

// Detect reads the dialect from the beginning of a file: the header, which must name every column of wanted once, in
// any order and any case, and the first rows, whose values in the column numeric show the decimal mark. Head is up to
// the first 64 KiB of the file.
func Detect(head []byte, wanted []string, numeric string, opt Options) (Dialect, error) {
	text := head
	for bytes.HasPrefix(text, utf8BOM) { // joined files have brought several
		text = text[len(utf8BOM):]
	}
	if err := checkText(head, text); err != nil {
		return Dialect{}, err
	}
	candidates := delimiters
	if opt.Delimiter != 0 {
		candidates = []byte{opt.Delimiter}
	}
	var d Dialect
	var worst *HeaderError
	for _, delimiter := range candidates {
		found, err := readHeader(text, delimiter, wanted)
		if err == nil {
			d, worst = found, nil
			break
		}
		if header := (*HeaderError)(nil); errors.As(err, &header) && header.betterThan(worst) {
			worst = header
		}
	}
	if worst != nil {
		worst.lookFurther(text, candidates, wanted)
		return Dialect{}, worst
	}
	if opt.Cut && d.headerEnd == len(text) {
		return Dialect{}, ErrHeaderLong
	}
	d.HeaderBytes += len(head) - len(text)
	if column := slices.Index(wanted, numeric); column >= 0 {
		m := sampleMarks(text, &d, d.Columns[column], opt.Cut)
		d.Grouping = m.separator()
		if opt.DecimalPoint == 0 {
			var err error
			d.DecimalPoint, d.MarkBasis, err = m.decide(d.Delimiter)
			return d, err
		}
	}
	d.DecimalPoint, d.MarkBasis = opt.DecimalPoint, MarkGiven
	return d, nil
}
