// Package validate is the first task: it reads the source files once, checks every row, finds rows that repeat an id,
// and writes accepted rows, rejected rows and repeats apart.
package validate

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "validate"

// Config says what to validate. Files are URLs; each is read once.
type Config struct {
	Files          []string
	Options        source.Options
	MaxRejectRatio float64 // more rejected rows than this share of all: exit 65
	TempDir        string  // for finding duplicates: 40 bytes a row; "" is the system's
	Workers        int     // rows are checked on this many goroutines
	Contents       batch.Contents
}

// Validate checks what a user gave.
func (c *Config) Validate() error {
	rules := &c.Options.Rules
	err := tasks.First(tasks.Share("--max-reject-ratio", c.MaxRejectRatio), tasks.Limit("--workers", c.Workers, 1, 1024),
		tasks.Bytes("--max-record", c.Options.MaxRecord), tasks.Bytes("--max-text", rules.MaxText))
	if err == nil && !rules.Earliest.Before(rules.Latest) {
		err = fault.Failf(fault.ExitUsage, "--earliest %s is after --latest: no timestamp is between",
			rules.Earliest.Format(time.DateOnly))
	}
	if err == nil && c.TempDir != "" {
		if info, statErr := os.Stat(c.TempDir); statErr != nil || !info.IsDir() {
			err = fault.Failf(fault.ExitUsage, "--temp-dir %s is no folder", c.TempDir)
		}
	}
	return err
}

// firstRejects is how many rejects the gate's error shows.
const firstRejects = 10

// Run validates. The manifest's outputs are accepted, rejected, duplicates, quality and files.
func Run(ctx context.Context, env *tasks.Env, sources source.Opener, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		v := &validation{env: env, sources: sources, cfg: cfg, manifest: m, issues: map[string]int64{},
			keys: spill{dir: cfg.TempDir}}
		v.free.New = func() any { return &blockResult{issues: map[string]int64{}} }
		defer v.keys.close()
		return v.run(ctx)
	})
}

// validation is one run of the task.
type validation struct {
	env      *tasks.Env
	sources  source.Opener
	cfg      Config
	manifest *batch.Manifest

	accepted   *output
	rejected   *output
	keys       spill
	seq        uint64 // rows that met the rules so far
	issues     map[string]int64
	magnitudes magnitudes
	shown      []string // the first rejects, for the gate's error
	files      []batch.File
	free       sync.Pool
}

func (v *validation) run(ctx context.Context) error {
	var err error
	if v.accepted, err = create(ctx, v.env, batch.OutputAccepted, v.env.Layout.Accepted(), batch.RowHeader); err != nil {
		return err
	}
	defer func() { v.accepted.abort() }()
	if v.rejected, err = create(ctx, v.env, batch.OutputRejected, v.env.Layout.Rejected(), ""); err != nil {
		return err
	}
	defer v.rejected.abort()
	for i, url := range v.cfg.Files {
		if err := v.read(ctx, i, url); err != nil {
			return err
		}
	}
	if err := v.finish(ctx); err != nil {
		return err
	}
	return v.gate()
}

// read checks one file.
func (v *validation) read(ctx context.Context, file int, url string) error {
	r, err := source.Open(ctx, v.sources, url, v.cfg.Options)
	if err != nil {
		return err
	}
	defer r.Close()
	v.say(ctx, r)
	var rows int64
	newWorker := func() func(func(func(*source.Row))) *blockResult {
		w := &blockWorker{file: file, url: url, rules: &r.Rules,
			free: func() *blockResult { return v.free.Get().(*blockResult) }}
		return w.work
	}
	err = source.Scan(ctx, r, v.cfg.Workers, newWorker, func(b *blockResult) error {
		rows += int64(b.in)
		return v.emit(b)
	})
	if err != nil {
		return err
	}
	digest, size := r.Digest()
	d := r.Dialect
	v.manifest.Inputs = append(v.manifest.Inputs, batch.Artifact{Name: "source", URL: url, Rows: rows, Bytes: size,
		SHA256: digest})
	v.files = append(v.files, batch.File{URL: url, SHA256: digest, Bytes: size, Rows: rows,
		Delimiter: string(d.Delimiter), Decimal: string(d.DecimalPoint), Thousands: thousands(r.Rules.Thousands),
		Ignored: d.Ignored})
	return nil
}

// say logs how a file is read, since a wrong guess would show in the amounts only.
func (v *validation) say(ctx context.Context, r *source.Reader) {
	d := &r.Dialect
	v.env.Log.InfoContext(ctx, "reading a file", "url", r.URL, "delimiter", string(d.Delimiter), "decimal",
		string(d.DecimalPoint), "decimal_is", string(d.MarkBasis))
	if len(d.Ignored) > 0 {
		v.env.Log.WarnContext(ctx, "columns are ignored", "url", r.URL, "columns", strings.Join(d.Ignored, ", "))
	}
	if d.Grouping != 0 && r.Rules.Thousands == 0 {
		v.env.Log.WarnContext(ctx, "some amounts have separators between thousands, for which their rows are rejected",
			"url", r.URL, "next", "--thousands '"+string(d.Grouping)+"' accepts them")
	}
}

func thousands(mark byte) string {
	if mark == 0 {
		return ""
	}
	return string(mark)
}

// emit takes the blocks in the order of the file.
func (v *validation) emit(b *blockResult) error {
	defer v.free.Put(b)
	v.manifest.Counts.In += int64(b.in)
	if err := v.accepted.write(b.rows, len(b.keys)); err != nil {
		return err
	}
	for i := range b.keys {
		b.keys[i].seq = v.seq
		v.seq++
		if err := v.keys.add(&b.keys[i]); err != nil {
			return err
		}
	}
	for i := range b.rejects {
		if err := v.reject(&b.rejects[i]); err != nil {
			return err
		}
	}
	for code, n := range b.issues {
		v.issues[code] += n
	}
	v.magnitudes.merge(&b.magnitudes)
	v.env.Done(b.in)
	return nil
}

func (v *validation) reject(r *batch.Reject) error {
	v.issues[string(r.Code)]++
	v.manifest.Counts.Rejected++
	if len(v.shown) < firstRejects {
		v.shown = append(v.shown, r.Summary())
	}
	line, err := batch.AppendReject(nil, r)
	if err != nil {
		return err
	}
	return v.rejected.write(line, 1)
}

// gate fails a file of which too much was rejected. Everything is written by then, so the rejects can be read.
func (v *validation) gate() error {
	c := v.manifest.Counts
	if c.In == 0 {
		return fault.WithHint(fault.Failf(fault.ExitNothing, "there are no rows in %s", strings.Join(v.cfg.Files, ", ")),
			"nothing needs to be done; if rows should be there, look at the file")
	}
	ratio := float64(c.Rejected) / float64(c.In)
	if ratio <= v.cfg.MaxRejectRatio {
		return nil
	}
	err := fault.Failf(fault.ExitData,
		"%s of %s (%.4g %%) %s rejected; the limit is %.4g %% (--max-reject-ratio). The first of them:\n  %s",
		display.Thousands(c.Rejected), display.Count(c.In, "row"), 100*ratio, display.Are(c.Rejected),
		100*v.cfg.MaxRejectRatio,
		strings.Join(v.shown, "\n  "))
	return fault.WithHint(err, "see all of them in %s; correct the file, or raise --max-reject-ratio",
		v.env.Layout.Rejected())
}

// output is an artifact that grows.
type output struct {
	name string
	w    batch.ArtifactWriter
	rows int64
}

func create(ctx context.Context, env *tasks.Env, name, url, header string) (*output, error) {
	w, err := env.Artifacts.Create(ctx, url)
	if err != nil {
		return nil, err
	}
	o := &output{name: name, w: w}
	if err := o.write([]byte(header), 0); err != nil {
		w.Abort()
		return nil, err
	}
	return o, nil
}

func (o *output) write(b []byte, rows int) error {
	o.rows += int64(rows)
	_, err := o.w.Write(b)
	return err
}

func (o *output) abort() { o.w.Abort() }

func (o *output) commit(ctx context.Context, m *batch.Manifest) error {
	a, err := o.w.Commit(ctx)
	if err != nil {
		return fmt.Errorf("write the %s rows: %w", o.name, err)
	}
	a.Name, a.Rows = o.name, o.rows
	m.Outputs = append(m.Outputs, a)
	return nil
}
