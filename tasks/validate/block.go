package validate

import (
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
	reject := batch.Reject{File: file, URL: url, Line: r.Line, Column: v.Column, Code: v.Code, Message: v.Code.Message()}
	reject.SetRaw(r.Raw)
	if id, sourceID, ok := rules.Identity(&r.Fields, v); ok {
		reject.ID, reject.SourceID = id.String(), sourceID
	}
	return reject
}
