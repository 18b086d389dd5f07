package batchcmd

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/validate"
)

// asOf reads --as-of: zero where it is not given.
func asOf(c *cli.Context, now time.Time) (time.Time, error) {
	text := c.String("as-of")
	if text == "" {
		return time.Time{}, nil
	}
	at, ok := transaction.ParseTimestamp([]byte(text))
	if !ok {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return at, fault.WithHint(fault.Failf(fault.ExitUsage, "--as-of %q is no time", text),
				"YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or RFC 3339; without a zone it is UTC")
		}
		at = day
	}
	return at, tasks.CheckAsOf(at, now)
}

// wish is what the flags say of a run that has no files yet.
func wish(c *cli.Context, now time.Time) (spec batch.RunSpec, err error) {
	spec = batch.RunSpec{RunID: c.String("run-id"), Source: c.String("source"),
		StartedAt:  now.UTC().Truncate(time.Microsecond),
		Reclassify: c.Bool("reclassify")}
	if spec.RunID == "" {
		spec.RunID = NewRunID(now)
	} else if err := batch.CheckRunID(spec.RunID); err != nil {
		return spec, err
	}
	spec.AsOf, err = asOf(c, now)
	return spec, err
}

// Begin starts a run of all tasks, or resumes one of the same command, and returns its surroundings and the command
// that goes on with it.
func Begin(c *cli.Context, rt *app.Runtime, now time.Time, cfg *validate.Config) (env *tasks.Env, goOn string,
	err error) {
	spec, err := wish(c, now)
	if err != nil {
		return nil, "", err
	}
	files, err := inputs(c, rt)
	if err != nil {
		return nil, "", err
	}
	if spec.RunID, err = resume(c, rt, spec.RunID, files); err != nil {
		return nil, "", err
	}
	goOn = "the same command"
	if once(files) || c.Bool("new") || c.String("run-id") != "" {
		goOn = "the same command with --run-id " + spec.RunID
	}
	env = NewEnv(c, rt, batch.NewLayout(c.String("out"), spec.RunID), spec.RunID, spec.Source)
	return env, goOn, begin(c, rt, env, spec, files, cfg)
}

// begin starts the run, or goes on with it, and fills in what validate needs to know of it. Where the run goes on, the
// rules are those of its start: tomorrow's rows must not be good on another day.
func begin(c *cli.Context, rt *app.Runtime, env *tasks.Env, spec batch.RunSpec, all []input,
	cfg *validate.Config) error {
	var err error
	if spec.Files, err = keep(c.Context, rt, env.Layout, all); err != nil {
		return err
	}
	begun, err := tasks.Begin(c.Context, env, spec)
	if err != nil {
		if fault.ExitCode(err) == fault.ExitData { // the manifest of the other run stays
			env.Layout, env.Recorder = batch.Layout{}, nil
		}
		return err
	}
	if cfg.Options, err = SourceOptions(c, begun.StartedAt); err != nil {
		return err
	}
	for _, f := range begun.Files {
		cfg.Files = append(cfg.Files, f.URL)
	}
	cfg.Contents = batch.Contents{AsOf: begun.AsOf, JudgedAt: begun.StartedAt, Reclassify: begun.Reclassify}
	return nil
}
