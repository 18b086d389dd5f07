package tasks

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
)

// asOfSlack is how far a clock may be ahead of this one before its time is called the future.
const asOfSlack = time.Minute

// CheckAsOf refuses a time of contents that ClickHouse or common sense can not take, with exit code 64.
func CheckAsOf(asOf, now time.Time) error {
	switch {
	case asOf.Year() < 1971:
		return fault.Failf(fault.ExitUsage, "--as-of %s is before 1971", asOf.UTC().Format(time.RFC3339))
	case asOf.After(now.Add(asOfSlack)):
		return fault.WithHint(fault.Failf(fault.ExitUsage,
			"--as-of %s is in the future: nothing could ever correct these rows",
			asOf.UTC().Format(time.RFC3339)), "it says when the file's contents were true; leave it out for now")
	}
	return nil
}

// Begin starts a run, or resumes it, and returns what it was started with: the caller's wish for a new run, else what
// the first process recorded. An AsOf of zero is the start of the run. A run that was begun with another source, with
// other files, or, once rows of it may be stored, with files that have changed since, is refused with exit code 65.
func Begin(ctx context.Context, env *Env, wish batch.RunSpec) (*batch.RunSpec, error) {
	url := env.Layout.Run()
	var old batch.RunSpec
	err := batch.ReadJSON(ctx, env.Artifacts, url, "", &old)
	if errors.Is(err, fs.ErrNotExist) {
		if err := checkOlder(ctx, env, &wish); err != nil {
			return nil, err
		}
		first := wish
		if first.AsOf.IsZero() {
			first.AsOf = first.StartedAt
		}
		won, err := writeNew(ctx, env.Artifacts, url, &first)
		if err != nil || won {
			return &first, err
		}
		err = batch.ReadJSON(ctx, env.Artifacts, url, "", &old) // another process was quicker
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	unchanged, err := sameRun(&old, &wish)
	if err != nil || unchanged {
		return &old, err
	}
	if loaded, err := isLoaded(ctx, env); err != nil || loaded {
		if err == nil {
			err = another(&old, "a file has changed since it was loaded")
		}
		return nil, err
	}
	old.Files = wish.Files
	_, err = batch.WriteJSON(ctx, env.Artifacts, url, &old)
	return &old, err
}

// sameRun reports whether the files are as they were. What can not be the same run is an error.
func sameRun(old, wish *batch.RunSpec) (unchanged bool, err error) {
	urls, contents := old.SameFiles(wish)
	switch {
	case old.Source != wish.Source:
		return false, another(old, "its source is %q, not %q", old.Source, wish.Source)
	case !urls:
		return false, another(old, "its files are others")
	case old.Reclassify != wish.Reclassify:
		return false, another(old, "it was begun with --reclassify=%v", old.Reclassify)
	case !wish.AsOf.IsZero() && !wish.AsOf.Equal(old.AsOf):
		return false, another(old, "its contents are as of %s", old.AsOf.UTC().Format(time.RFC3339Nano))
	}
	return contents, nil
}

func another(old *batch.RunSpec, why string, args ...any) error {
	err := fault.Failf(fault.ExitData, "the run %s is another: "+why, append([]any{old.RunID}, args...)...)
	return fault.WithHint(err,
		"leave --run-id out, or name a new one: the rows of two runs must not be mixed in one ledger")
}

// checkOlder compares with the manifest of validate where an older version of txflow began the run.
func checkOlder(ctx context.Context, env *Env, wish *batch.RunSpec) error {
	var m batch.Manifest
	err := batch.ReadJSON(ctx, env.Artifacts, env.Layout.Manifest("validate", -1), "", &m)
	if err != nil || m.Status == statusFailed {
		if err == nil || errors.Is(err, fs.ErrNotExist) || fault.ExitCode(err) == fault.ExitData {
			return nil // validate starts over
		}
		return err
	}
	old := batch.RunSpec{RunID: m.RunID, Source: m.Source, Reclassify: wish.Reclassify, AsOf: wish.AsOf}
	for i, in := range m.Inputs {
		file := batch.SourceFile{URL: in.URL, Bytes: in.Bytes}
		if i < len(wish.Files) {
			file.Modified, file.SHA256 = wish.Files[i].Modified, wish.Files[i].SHA256
		}
		old.Files = append(old.Files, file)
	}
	_, err = sameRun(&old, wish)
	return err
}

// isLoaded reports whether load was tried for any chunk of the run.
func isLoaded(ctx context.Context, env *Env) (bool, error) {
	var chunks batch.Chunks
	if err := batch.ReadJSON(ctx, env.Artifacts, env.Layout.Chunks(), "", &chunks); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	for i := -1; i < len(chunks.Chunks); i++ {
		r, err := env.Artifacts.Open(ctx, env.Layout.Manifest("load", i), "")
		if err == nil {
			_ = r.Close() // only its being there counts
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

func writeNew(ctx context.Context, to batch.Artifacts, url string, v any) (won bool, err error) {
	content, err := batch.AppendJSON(nil, v)
	if err != nil {
		return false, err
	}
	w, err := to.Create(ctx, url)
	if err != nil {
		return false, err
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		return false, err
	}
	_, won, err = w.CommitNew(ctx)
	return won, err
}
