package validate

import (
	"bufio"
	"context"
	"io"

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
	if conflicts != nil {
		if err := v.rejectConflicts(ctx, conflicts); err != nil {
			return err
		}
	}
	if _, err := v.rejected.commit(ctx, v.manifest); err != nil {
		return err
	}
	if err := v.commitAccepted(ctx, dropped); err != nil {
		return err
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
		MaxRecord: v.cfg.Options.MaxRecord, Files: v.files}
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
	_, err = out.commit(ctx, v.manifest)
	return dropped, conflicts, err
}

// rejectConflicts reads the files once more, for the text of the rows that are in conflict.
func (v *validation) rejectConflicts(ctx context.Context, conflicts bitmap) error {
	v.env.Log.InfoContext(ctx, "some ids recur with other content: reading again for the rows' text")
	seq := uint64(0)
	for i, url := range v.cfg.Files {
		r, err := source.Open(ctx, v.sources, url, v.cfg.Options)
		if err != nil {
			return err
		}
		newWorker := func() func(func(func(*source.Row))) []batch.Reject {
			return func(each func(func(*source.Row))) (rejects []batch.Reject) {
				each(func(row *source.Row) {
					if row.Violation.Code != transaction.CodeOK {
						return
					}
					if conflicts.has(seq) {
						row.Violation = transaction.Violation{Code: transaction.CodeConflict}
						reject := newReject(i, url, &r.Rules, row)
						reject.ContentHash = string(batch.AppendHash(nil, row.ContentHash))
						rejects = append(rejects, reject)
					}
					seq++
				})
				return rejects
			}
		}
		err = source.Scan(ctx, r, 1, newWorker, func(rejects []batch.Reject) error {
			for k := range rejects {
				if err := v.reject(&rejects[k]); err != nil {
					return err
				}
			}
			return nil
		})
		digest, _ := r.Digest()
		r.Close()
		if err == nil && digest != v.files[i].SHA256 {
			err = batch.Failf(batch.ExitTryAgain, "%s changed while it was read", url)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commitAccepted commits the accepted rows and, when rows repeat, writes them again without those. Until the manifest
// names the final digest no task trusts the object, so the step between is never taken for the result.
func (v *validation) commitAccepted(ctx context.Context, dropped bitmap) error {
	if dropped == nil {
		_, err := v.accepted.commit(ctx, v.manifest)
		return err
	}
	all, err := v.accepted.w.Commit(ctx)
	if err != nil {
		return err
	}
	in, err := v.env.Artifacts.Open(ctx, all.URL, all.SHA256)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := create(ctx, v.env, batch.OutputAccepted, all.URL, batch.RowHeader)
	if err != nil {
		return err
	}
	defer out.abort()
	lines := bufio.NewReaderSize(in, 1<<20)
	if _, err := lines.ReadSlice('\n'); err != nil {
		return err
	}
	for seq := uint64(0); ; {
		line, err := lines.ReadSlice('\n')
		for err == bufio.ErrBufferFull { // one row of text near the limit
			if !dropped.has(seq) {
				if err := out.write(line, 0); err != nil {
					return err
				}
			}
			line, err = lines.ReadSlice('\n')
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if !dropped.has(seq) {
			if err := out.write(line, 1); err != nil {
				return err
			}
		}
		seq++
	}
	_, err = out.commit(ctx, v.manifest)
	return err
}
