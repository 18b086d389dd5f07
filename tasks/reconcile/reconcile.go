// Package reconcile proves the delivery contract of a run: it counts the source rows again, from the files themselves,
// and compares each with the ledger, and the ledger with the tables.
package reconcile

import (
	"context"
	"iter"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/csvfile"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "reconcile"

// Ledger reads what ClickHouse holds of a run.
type Ledger interface {
	// Ledger yields the run's entries for one file in the order of their lines.
	Ledger(ctx context.Context, pipeline, runID, origin string, partition int32) iter.Seq2[ledger.Entry, error]
	// Problems compares the run's entries with transactions and dead_letters: missing, changed and doubled ids and
	// dead letters that are not there, with the first of each kind.
	Problems(ctx context.Context, pipeline, runID string, limit int) (ledger.Findings, error)
	// Superseded counts the run's stored rows whose ids have newer contents in transactions.
	Superseded(ctx context.Context, pipeline, runID string) (int64, error)
	// OtherSources counts the run's ids that rows of other sources have, too, and names some of these sources.
	OtherSources(ctx context.Context, pipeline, runID, source string) (ids int64, sources []string, err error)
}

// Config says what to reconcile.
type Config struct {
	Files    *batch.Files
	Pipeline string
	Workers  int // source rows are read on this many goroutines
	Limit    int // findings shown of each kind
}

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Limit("--findings", c.Limit, 0, 100_000), tasks.Limit("--workers", c.Workers, 1, 1024))
}

// DefaultLimit is enough to see a pattern and short enough for a log.
const DefaultLimit = 20

// Run reconciles. Without findings the manifest's counts are those of the ledger; with any, the error carries exit code
// 65 and names the first ids.
func Run(ctx context.Context, env *tasks.Env, sources source.Opener, entries Ledger, cfg Config) (*batch.Manifest,
	error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		found := &ledger.Findings{Limit: cfg.Limit}
		var problems ledger.Findings
		group, groupCtx := errgroup.WithContext(ctx)
		group.Go(func() (err error) {
			problems, err = entries.Problems(groupCtx, cfg.Pipeline, env.RunID, cfg.Limit)
			return err
		})
		var superseded int64
		group.Go(func() (err error) {
			superseded, err = entries.Superseded(groupCtx, cfg.Pipeline, env.RunID)
			return err
		})
		var shared int64
		var others []string
		group.Go(func() (err error) {
			shared, others, err = entries.OtherSources(groupCtx, cfg.Pipeline, env.RunID, cfg.Files.Source)
			return err
		})
		group.Go(func() error { return compareFiles(groupCtx, env, sources, entries, cfg, found, m) })
		if err := group.Wait(); err != nil {
			return err
		}
		m.Counts.Superseded, m.Counts.OtherSources = superseded, shared
		if shared > 0 {
			env.Log.WarnContext(ctx, "ids of this run are also stored for other sources: one row of an id replaces the other",
				"ids", shared, "source", cfg.Files.Source, "others", others, "next",
				"load each system under its own ids, or under one --source")
		}
		found.Merge(&problems)
		return verdict(found)
	})
}

func compareFiles(ctx context.Context, env *tasks.Env, sources source.Opener, entries Ledger, cfg Config,
	found *ledger.Findings, m *batch.Manifest) error {
	for i := range cfg.Files.Files {
		file := &cfg.Files.Files[i]
		m.Inputs = append(m.Inputs, batch.Artifact{Name: "source", URL: file.URL, Rows: file.Rows, Bytes: file.Bytes,
			SHA256: file.SHA256})
		if err := compareFile(ctx, env, sources, entries, cfg, file, found, &m.Counts); err != nil {
			return err
		}
	}
	return nil
}

func verdict(found *ledger.Findings) error {
	if found.Total() == 0 {
		return nil
	}
	return fault.WithHint(found.Err("reconciliation of the run failed"),
		"running txflow load again stores what is missing; it never stores anything twice")
}

// sourceRow is what reconcile keeps of a row of the file.
type sourceRow struct {
	line  uint64
	id    transaction.ID
	hash  uint64
	valid bool // it meets the rules; else it must be a reject
}

// compareFile walks through the file and its ledger side by side: both are in the order of lines.
func compareFile(ctx context.Context, env *tasks.Env, sources source.Opener, entries Ledger, cfg Config,
	file *batch.File, found *ledger.Findings, counts *ledger.Counts) error {
	r, err := source.Open(ctx, sources, file.URL, readAlike(cfg.Files, file))
	if err != nil {
		return err
	}
	defer r.Close()
	next, stop := iter.Pull2(entries.Ledger(ctx, cfg.Pipeline, env.RunID, file.URL, 0))
	defer stop()
	c := &comparison{file: file.URL, next: next, found: found, counts: counts}
	newWorker := func() func(func(func(*source.Row))) []sourceRow {
		return func(each func(func(*source.Row))) (rows []sourceRow) {
			each(func(row *source.Row) {
				s := sourceRow{line: row.Line, valid: row.Violation.Code == transaction.CodeOK}
				if s.valid {
					s.id, s.hash = row.Transaction.ID, row.ContentHash
				}
				rows = append(rows, s)
			})
			return rows
		}
	}
	err = source.Scan(ctx, r, max(cfg.Workers, 1), newWorker, func(rows []sourceRow) error {
		for i := range rows {
			if err := c.row(&rows[i]); err != nil {
				return err
			}
		}
		counts.In += int64(len(rows))
		env.Done(len(rows))
		return nil
	})
	if err != nil {
		return err
	}
	if digest, _ := r.Digest(); digest != file.SHA256 {
		return fault.WithHint(fault.Failf(fault.ExitData,
			"%s is not the file that was validated: its SHA-256 is %s instead of %s",
			file.URL, digest, file.SHA256), "put the file back, or run the new one as a new run")
	}
	return c.rest()
}

// readAlike returns the options under which validate read the file, so that the rules can not have moved since.
func readAlike(files *batch.Files, file *batch.File) source.Options {
	var thousands byte
	if file.Thousands != "" {
		thousands = file.Thousands[0]
	}
	return source.Options{
		Dialect:   csvfile.Options{Delimiter: file.Delimiter[0], DecimalPoint: file.Decimal[0]},
		MaxRecord: files.MaxRecord,
		Rules: transaction.Rules{Source: files.Source, Earliest: files.Earliest, Latest: files.Latest, MaxText: files.MaxText,
			Thousands: thousands},
	}
}
