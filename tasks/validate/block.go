package validate

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
)

// blockResult is what a worker makes of a block of the file. The emitter recycles it.
type blockResult struct {
	rows       []byte // accepted rows, encoded
	keys       []key  // seq is set by the emitter
	rejects    []batch.Reject
	in         int
	issues     map[string]int64
	magnitudes magnitudes
}

// blockWorker encodes the rows of blocks of one file.
type blockWorker struct {
	file  int
	url   string
	rules *transaction.Rules
	free  func() *blockResult
}

func (w *blockWorker) work(each func(func(*source.Row))) *blockResult {
	out := w.free()
	out.rows, out.keys, out.rejects, out.in = out.rows[:0], out.keys[:0], out.rejects[:0], 0
	clear(out.issues)
	out.magnitudes = magnitudes{}
	var row batch.Row
	each(func(r *source.Row) {
		out.in++
		if r.Violation.Code != transaction.CodeOK {
			out.rejects = append(out.rejects, newReject(w.file, w.url, w.rules, r))
			return
		}
		row = batch.Row{Transaction: r.Transaction, ContentHash: r.ContentHash, File: w.file, Line: r.Line}
		out.rows = batch.AppendRow(out.rows, &row)
		out.keys = append(out.keys, key{id: r.Transaction.ID, hash: r.ContentHash, pos: position(w.file, r.Line)})
		out.magnitudes.add(&r.Transaction)
		if r.Transaction.Description == "" {
			out.issues[IssueDescription]++
		}
		if !r.Transaction.HasMerchant {
			out.issues[IssueMerchant]++
		}
	})
	return out
}

// newReject makes a reject of a row that breaks a rule.
func newReject(file int, url string, rules *transaction.Rules, r *source.Row) batch.Reject {
	v := r.Violation
	reject := batch.Reject{File: file, URL: url, Line: r.Line, Column: v.Column, Code: v.Code,
		Message: message(v.Code, rules, r.Raw)}
	reject.SetRaw(r.Raw)
	if id, sourceID, ok := rules.Identity(&r.Fields, v); ok {
		reject.ID, reject.SourceID = id.String(), sourceID
	}
	return reject
}

// message says in words what rule is broken, and what the file has to do with it. It holds no value of the row.
func message(code transaction.Code, rules *transaction.Rules, raw []byte) string {
	text := code.Message()
	switch {
	case code == transaction.CodeAmountFormat && rules.Thousands == 0:
		text += fmt.Sprintf(", which is %q here; --decimal and --thousands say otherwise", string(rules.DecimalPoint))
	case code == transaction.CodeAmountFormat:
		text += fmt.Sprintf(", which is %q here, with %q between groups of three digits", string(rules.DecimalPoint),
			string(rules.Thousands))
	case code == transaction.CodeUTF8 && windows1252(raw):
		text += "; it may be Windows-1252: iconv -f WINDOWS-1252 -t UTF-8 FILE"
	}
	return text
}

// windows1252 reports whether a row can be text of Windows-1252: it has bytes above ASCII, none of them is undefined
// there, and no two of them make a character of UTF-8.
func windows1252(raw []byte) bool {
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		if n > 1 || r == utf8.RuneError && bytes.IndexByte([]byte{0x81, 0x8d, 0x8f, 0x90, 0x9d}, raw[0]) >= 0 {
			return false
		}
		raw = raw[n:]
	}
	return true
}
