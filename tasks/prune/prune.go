// Package prune removes the artifacts of runs that are finished and old. What they stored stays.
package prune

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/validate"
)

// Name is the task's name in manifests.
const Name = "prune"

// DefaultOlderThan leaves time to look into a run that went wrong a month ago.
const DefaultOlderThan = 30 * 24 * time.Hour

// maxListed bounds the outputs of the manifest; the log names all runs.
const maxListed = 100

// Store finds and removes artifacts.
type Store interface {
	// List returns what matches a pattern, whose * stays within a folder; a folder that is not there may be
	// fs.ErrNotExist.
	List(ctx context.Context, pattern string) ([]batch.Object, error)
	// Tree returns everything below a folder.
	Tree(ctx context.Context, folder string) ([]batch.Object, error)
	// Remove deletes an object below a folder, which goes with its last one. One that is gone is no error.
	Remove(ctx context.Context, folder, url string) error
}

// Config says what to remove.
type Config struct {
	Out       string        // the folder that runs are kept in
	OlderThan time.Duration // since the newest artifact of a run was written
	DryRun    bool
	Now       time.Time
}

// Run removes the runs, or says which it would remove. The outputs of the manifest are their folders. A run counts as
// finished when reconcile is done, or when validate refused its file; any other may go on, and is left alone, as is
// whatever is no run. None is exit code 99.
func Run(ctx context.Context, env *tasks.Env, store Store, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		found, err := store.List(ctx, batch.NewLayout(cfg.Out, "*").Manifest(validate.Name, -1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		p := pruner{env: env, store: store, cfg: cfg}
		for _, manifest := range found {
			if err := p.run(ctx, m, batch.LayoutOf(manifest.URL)); err != nil {
				return err
			}
		}
		env.Log.InfoContext(ctx, p.verb(), "runs", p.runs, "bytes", p.bytes, "unfinished", p.unfinished, "younger", p.younger)
		if p.runs == 0 {
			return fault.WithHint(fault.Failf(fault.ExitNothing, "no finished run is older than %s", cfg.OlderThan),
				"nothing needs to be done; --older-than sets another age")
		}
		return nil
	})
}

type pruner struct {
	env   *tasks.Env
	store Store
	cfg   Config

	runs, unfinished, younger int
	bytes                     int64
}

func (p *pruner) verb() string {
	if p.cfg.DryRun {
		return "would remove"
	}
	return "removed"
}

func (p *pruner) run(ctx context.Context, m *batch.Manifest, run batch.Layout) error {
	id := path.Base(strings.SplitN(run.Root, "?", 2)[0])
	finished, err := p.finished(ctx, run, id)
	if err != nil {
		return err
	}
	if !finished {
		p.unfinished++
		return nil
	}
	objects, err := p.store.Tree(ctx, run.Root)
	if err != nil {
		return err
	}
	var newest time.Time
	bytes := int64(0)
	for _, o := range objects {
		bytes += o.Bytes
		if o.Modified.After(newest) {
			newest = o.Modified
		}
	}
	if age := p.cfg.Now.Sub(newest); age < p.cfg.OlderThan {
		p.younger++
		return nil
	}
	if !p.cfg.DryRun {
		if err := p.remove(ctx, run, objects); err != nil {
			return err
		}
	}
	p.runs++
	p.bytes += bytes
	p.env.Log.InfoContext(ctx, p.verb(), "run", id, "bytes", bytes, "written", newest.UTC().Format(time.RFC3339))
	if len(m.Outputs) < maxListed {
		m.Outputs = append(m.Outputs, batch.Artifact{Name: id, URL: run.Root, Bytes: bytes})
	}
	return nil
}

// remove deletes a run's artifacts. What says that it is finished goes last, so that a removal that was stopped goes
// on.
func (p *pruner) remove(ctx context.Context, run batch.Layout, objects []batch.Object) error {
	rank := func(o batch.Object) int {
		switch path.Base(strings.SplitN(o.URL, "?", 2)[0]) {
		case reconcile.Name + ".json":
			return 1
		case validate.Name + ".json":
			return 2
		}
		return 0
	}
	slices.SortStableFunc(objects, func(a, b batch.Object) int { return rank(a) - rank(b) })
	for _, o := range objects {
		if err := p.store.Remove(ctx, run.Root, o.URL); err != nil {
			return err
		}
	}
	return nil
}

// finished reports whether a folder is a run that nothing will resume.
func (p *pruner) finished(ctx context.Context, run batch.Layout, id string) (bool, error) {
	validated, err := p.manifest(ctx, run.Manifest(validate.Name, -1))
	if err != nil || validated == nil || validated.Task != validate.Name || validated.RunID != id {
		return false, err
	}
	if validated.Status == "nothing" || validated.ExitCode == fault.ExitData || validated.ExitCode == fault.ExitUsage {
		return true, nil
	}
	reconciled, err := p.manifest(ctx, run.Manifest(reconcile.Name, -1))
	return reconciled != nil && reconciled.RunID == id && reconciled.Status == "done", err
}

// manifest reads a manifest; nil for none, and for a file that is none.
func (p *pruner) manifest(ctx context.Context, url string) (*batch.Manifest, error) {
	r, err := p.env.Artifacts.Open(ctx, url, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, err
	}
	m := &batch.Manifest{}
	if json.Unmarshal(text, m) != nil {
		return nil, nil
	}
	return m, nil
}
