package validate

import (
	"context"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
)

// finish finds the repeats, takes them out of the accepted rows, and completes the outputs.
func (v *validation) finish(ctx context.Context) error {
	dropped, conflicts, err := v.repeats(ctx)
	if err != nil {
		return err
	}
	if dropped != nil {
		if err := v.readAgain(ctx, dropped, conflicts); err != nil {
			return err
		}
	}
	for _, o := range [2]*output{v.rejected, v.accepted} {
		if err := o.commit(ctx, v.manifest); err != nil {
			return err
		}
	}
	c := &v.manifest.Counts
	c.Accepted = c.In - c.Rejected - c.Duplicates
	outliers, fences := v.magnitudes.outliers()
	v.issues[IssueOutlier] += outliers
	v.issues[IssueDuplicate] = c.Duplicates
	for code, n := range v.issues {
		if n == 0 {
			delete(v.issues, code)
		}
	}
	quality := Quality{Rows: c.In, Issues: v.issues, Score: score(c.In, v.issues), Limits: fences}
	a, err := batch.WriteJSON(ctx, v.env.Artifacts, v.env.Layout.Quality(), quality)
	if err != nil {
		return err
	}
	a.Name = batch.OutputQuality
	rules := &v.cfg.Options.Rules
	files := batch.Files{Source: rules.Source, Earliest: rules.Earliest, Latest: rules.Latest, MaxText: rules.MaxText,
		MaxRecord: v.cfg.Options.MaxRecord, Files: v.files, Contents: v.cfg.Contents}
	f, err := batch.WriteJSON(ctx, v.env.Artifacts, v.env.Layout.Files(), files)
	if err != nil {
		return err
	}
	f.Name, f.Rows = batch.OutputFiles, int64(len(v.files))
	v.manifest.Outputs = append(v.manifest.Outputs, a, f)
	return nil
}

// repeats writes duplicates.tsv and marks what must leave the accepted rows.
func (v *validation) repeats(ctx context.Context) (dropped, conflicts bitmap, err error) {
	out, err := create(ctx, v.env, batch.OutputDuplicates, v.env.Layout.Duplicates(), batch.RepeatHeader)
	if err != nil {
		return nil, nil, err
	}
	defer out.abort()
	var line []byte
	err = v.keys.find(func(r repeat) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		dropped.set(r.seq)
		if r.conflict {
			conflicts.set(r.seq)
			return nil
		}
		v.manifest.Counts.Duplicates++
		row := batch.Repeat{ID: r.id, ContentHash: r.hash}
		row.File, row.Line = unposition(r.pos)
		row.FirstFile, row.FirstLine = unposition(r.first)
		line = batch.AppendRepeat(line[:0], &row)
		return out.write(line, 1)
	})
	if err != nil {
		return nil, nil, err
	}
	err = out.commit(ctx, v.manifest)
	return dropped, conflicts, err
}

// readAgain writes the accepted rows again without those that repeat, and the text of the rows that are in conflict to
// the rejects. Files seldom repeat ids, so the common case pays nothing for it.
func (v *validation) readAgain(ctx context.Context, dropped, conflicts bitmap) error {
	v.env.Log.InfoContext(ctx, "duplicate ids found: second pass over the input")
	v.accepted.abort()
	var err error
	if v.accepted, err = create(ctx, v.env, batch.OutputAccepted, v.env.Layout.Accepted(), batch.RowHeader); err != nil {
		return err
	}
	seq := uint64(0)
	for i, url := range v.cfg.Files {
		if err := v.readFileAgain(ctx, i, url, &seq, dropped, conflicts); err != nil {
			return err
		}
	}
	return nil
}

func (v *validation) readFileAgain(ctx context.Context, file int, url string, seq *uint64, dropped,
	conflicts bitmap) error {
	r, err := source.Open(ctx, v.sources, url, v.cfg.Options)
	if err != nil {
		return err
	}
	defer r.Close()
	newWorker := func() func(func(func(*source.Row))) *blockResult {
		return func(each func(func(*source.Row))) *blockResult {
			out := &blockResult{}
			each(func(row *source.Row) {
				if row.Violation.Code != transaction.CodeOK {
					return
				}
				switch n := *seq; {
				case conflicts.has(n):
					row.Violation = transaction.Violation{Code: transaction.CodeConflict}
					reject := newReject(file, url, &r.Rules, row)
					reject.ContentHash = string(batch.AppendHash(nil, row.ContentHash))
					out.rejects = append(out.rejects, reject)
				case !dropped.has(n):
					out.rows = batch.AppendRow(out.rows, &batch.Row{Transaction: row.Transaction, ContentHash: row.ContentHash,
						File: file, Line: row.Line})
					out.in++
				}
				*seq++
			})
			return out
		}
	}
	// One worker: the rows are counted while they are read.
	err = source.Scan(ctx, r, 1, newWorker, func(b *blockResult) error {
		for i := range b.rejects {
			if err := v.reject(&b.rejects[i]); err != nil {
				return err
			}
		}
		return v.accepted.write(b.rows, b.in)
	})
	if err != nil {
		return err
	}
	if digest, _ := r.Digest(); digest != v.files[file].SHA256 {
		return fault.Failf(fault.ExitTryAgain, "%s changed while it was read", url)
	}
	return nil
}
