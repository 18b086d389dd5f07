package batchcmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
)

// input is a source that the user named: a file, or what can be read only once, which is copied among the run's
// artifacts so that reconcile can read it again.
type input struct {
	batch.SourceFile
	open func() (io.ReadCloser, error) // of what can be read once; nil for a file
}

// inputs turns the arguments into absolute URLs, which lineage keeps: globs into what they match; - is standard input.
// Nothing is read yet.
func inputs(c *cli.Context, rt *app.Runtime) ([]input, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "which file?"), "txflow %s FILE..., or - for stdin",
			c.Command.Name)
	}
	var all []input
	for _, arg := range args {
		if arg == "-" {
			all = append(all, input{SourceFile: batch.SourceFile{URL: arg},
				open: func() (io.ReadCloser, error) { return io.NopCloser(rt.Stdin), nil }})
			continue
		}
		matches, err := rt.Artifacts.Glob(c.Context, arg)
		if err != nil {
			return nil, err
		}
		if len(matches) == 0 {
			return nil, fault.WithHint(fault.Failf(fault.ExitData, "%s: no file matches", arg),
				"check the path; * stays within a folder")
		}
		for _, url := range matches {
			in, err := look(c.Context, rt, url)
			if err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	seen := map[string]bool{}
	for i := range all {
		if seen[all[i].URL] {
			return nil, fault.Failf(fault.ExitUsage, "%s is named twice", all[i].URL)
		}
		seen[all[i].URL] = true
	}
	return all, nil
}

// look returns what is at a URL. What is not there is found out when it is read, whose error says more.
func look(ctx context.Context, rt *app.Runtime, url string) (input, error) {
	at, err := artifact.Canonical(url)
	if err != nil {
		return input{}, err
	}
	in := input{SourceFile: batch.SourceFile{URL: at}}
	if artifact.Once(at) {
		in.open = func() (io.ReadCloser, error) { return rt.Artifacts.OpenSource(ctx, at) }
		return in, nil
	}
	found, err := rt.Artifacts.List(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(found) != 1:
		return in, nil
	case err != nil:
		return in, err
	}
	in.Bytes, in.Modified = found[0].Bytes, found[0].Modified.UTC()
	return in, nil
}

// once reports whether any of the inputs can be read only once.
func once(all []input) bool {
	for i := range all {
		if all[i].open != nil {
			return true
		}
	}
	return false
}

// keep copies what can be read only once among the artifacts of the run, and returns the files of the run. A copy that
// an earlier process of the run made stays, and must be of the same bytes.
func keep(ctx context.Context, rt *app.Runtime, layout batch.Layout, all []input) ([]batch.SourceFile, error) {
	files := make([]batch.SourceFile, len(all))
	pipes := 0
	for i, in := range all {
		files[i] = in.SourceFile
		if in.open == nil {
			continue
		}
		copied, err := spool(ctx, rt, layout.Pipe(pipes), in.open)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", in.URL, err)
		}
		files[i] = copied
		pipes++
	}
	return files, nil
}

func spool(ctx context.Context, rt *app.Runtime, url string, open func() (io.ReadCloser, error)) (batch.SourceFile,
	error) {
	w, err := rt.Artifacts.Create(ctx, url)
	if err != nil {
		return batch.SourceFile{}, err
	}
	defer w.Abort()
	from := artifact.Interruptible(ctx, open)
	defer func() { _ = from.Close() }() // it was only read
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), from)
	if err != nil {
		return batch.SourceFile{}, err
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	a, first, err := w.CommitNew(ctx)
	if err != nil {
		return batch.SourceFile{}, err
	}
	if first {
		url = a.URL
	} else if err := same(ctx, rt, url, digest); err != nil {
		return batch.SourceFile{}, err
	}
	url, err = artifact.Canonical(url)
	return batch.SourceFile{URL: url, Bytes: n, SHA256: digest}, err
}

// same checks that an earlier process of the run copied the same bytes.
func same(ctx context.Context, rt *app.Runtime, url, digest string) error {
	old, err := rt.Artifacts.Open(ctx, url, digest)
	if err == nil {
		_, err = io.Copy(io.Discard, old)
		_ = old.Close() // it was only read
	}
	if fault.ExitCode(err) == fault.ExitData {
		return fault.WithHint(fault.Failf(fault.ExitData, "this run has read something else before: %w", err),
			"leave --run-id out, or name a new one")
	}
	return err
}
