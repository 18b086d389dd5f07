package batchcmd

import (
	"errors"
	"io/fs"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

const category = "Process files"

// Commands are the tasks.
func Commands() []*cli.Command {
	return []*cli.Command{inboxCommand(), validateCommand(), splitCommand(), classifyCommand(), compareCommand(),
		loadCommand(), reconcileCommand(), artifactsCommand()}
}

func validateCommand() *cli.Command {
	return &cli.Command{
		Name: validate.Name, Category: category, ArgsUsage: "FILE...",
		Usage: "validate every row and find duplicates; separate accepted from rejected rows",
		Flags: Flags(RunFlags, TaskFlags, SourceFlags, historyFlags, []cli.Flag{
			&cli.BoolFlag{Name: "reclassify", EnvVars: []string{"TXFLOW_RECLASSIFY"},
				Usage: "the rows are already stored and get new categories: each keeps its version, rows with other contents are " +
					"not changed; run compare before load"}}),
		Description: `Reads CSV, plain or .gz or .zst, by path, URL or glob; - is stdin. Memory does not grow with the
file.

   txflow validate data/transactions.csv
   txflow validate --source crm 'in/*.csv.gz'
   zcat export.gz | txflow validate --max-reject-ratio 0.5 -
   txflow validate --delimiter ';' --decimal , s3://bucket/2024/01.csv`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			now := time.Now()
			cfg, err := ValidateConfig(c, now)
			if err != nil {
				return err
			}
			spec, err := wish(c, now)
			if err != nil {
				return err
			}
			if err := Check(c, &cfg); err != nil {
				return err
			}
			layout := batch.NewLayout(c.String("out"), spec.RunID)
			env := NewEnv(c, rt, layout, spec.RunID, spec.Source)
			files, err := inputs(c, rt)
			if err == nil {
				err = begin(c, rt, env, spec, files, &cfg)
			}
			if err != nil {
				return failEarly(c, rt, env, validate.Name, -1, err)
			}
			m, err := validate.Run(c.Context, env, rt.Artifacts, cfg)
			return Finish(c, rt, m, err, "txflow split "+layout.Root)
		}),
	}
}

func splitCommand() *cli.Command {
	return &cli.Command{
		Name: split.Name, Category: category, ArgsUsage: "RUN_FOLDER",
		Usage: "split the accepted rows into content-addressed chunks",
		Flags: Flags(TaskFlags, SplitFlags, historyFlags, []cli.Flag{
			&cli.StringFlag{Name: "validated", EnvVars: []string{"TXFLOW_VALIDATED"},
				Usage: "`URL` of the manifest that validate wrote"}}),
		Description: `The same rows always make the same chunks.

   txflow split out/RUN_ID
   txflow split --max-chunks 4 --validated s3://bucket/out/RUN_ID/validate.json`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			cfg := SplitConfig(c)
			if err := Check(c, &cfg); err != nil {
				return err
			}
			layout, url, err := runFolder(c, "validated")
			if err != nil {
				return err
			}
			if url == "" {
				url = layout.Manifest(validate.Name, -1)
			}
			if cfg.Validated, err = readManifest(c, rt, url, validate.Name); err != nil {
				return err
			}
			m, err := split.Run(c.Context, NewEnv(c, rt, layout, cfg.Validated.RunID, cfg.Validated.Source), cfg)
			return Finish(c, rt, m, err, "txflow classify "+layout.Root)
		}),
	}
}

func readManifest(c *cli.Context, rt *app.Runtime, url, task string) (*batch.Manifest, error) {
	r, err := rt.Artifacts.Open(c.Context, url, "")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fault.WithHint(err, "run txflow %s first", task)
		}
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	return batch.ReadManifest(r, task)
}

func classifyCommand() *cli.Command {
	return &cli.Command{
		Name: classify.Name, Category: category, ArgsUsage: "RUN_FOLDER",
		Usage: "request categories from the ML API and store the predictions",
		Flags: Flags(TaskFlags, chunkFlags, MLFlags, historyFlags),
		Description: `Stored predictions are reused, so a task that was killed resumes where it stopped.

   txflow classify out/RUN_ID
   txflow classify --chunks out/RUN_ID/chunks.json --index 3 --ml-url http://ml-api:8000
   txflow classify --expect-model v1 out/RUN_ID`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			cfg := ClassifyConfig(c)
			if err := Check(c, &cfg); err != nil {
				return err
			}
			chunks, layout, err := readChunks(c, rt)
			if err != nil {
				return err
			}
			predictor, err := Client(c, rt)
			if err != nil {
				return err
			}
			env := NewEnv(c, rt, layout, chunks.RunID, chunks.Source)
			if cfg.API, err = APIKey(c.Context, c, predictor); err != nil {
				return failEarly(c, rt, env, classify.Name, c.Int("index"), err)
			}
			cfg.Chunks, cfg.Refusals = chunks, predictor.Refusals()
			m, err := classify.Run(c.Context, env, predictor, cfg)
			return Finish(c, rt, m, err, "txflow load "+layout.Root)
		}),
	}
}

func loadCommand() *cli.Command {
	return &cli.Command{
		Name: load.Name, Category: category, ArgsUsage: "RUN_FOLDER",
		Usage: "store classified rows, rejects and the ledger in ClickHouse",
		Flags: Flags(TaskFlags, chunkFlags, ClickHouseFlags, LoadFlags),
		Description: `Loading twice stores nothing twice. Chunk 0 also loads the rejected rows and duplicates of the
run.

   txflow load out/RUN_ID
   txflow load --chunks out/RUN_ID/chunks.json --index 3 --clickhouse-url clickhouse://db:9000`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			cfg := LoadConfig(c)
			if err := Check(c, &cfg); err != nil {
				return err
			}
			chunks, layout, err := readChunks(c, rt)
			if err != nil {
				return err
			}
			db, err := Store(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			cfg.Chunks = chunks
			m, err := load.Run(c.Context, NewEnv(c, rt, layout, chunks.RunID, chunks.Source), db, cfg)
			if err == nil {
				recordTasks(c.Context, rt, db, m, before(layout, len(chunks.Chunks)))
			}
			return Finish(c, rt, m, err, "txflow reconcile "+layout.Root)
		}),
	}
}

func reconcileCommand() *cli.Command {
	return &cli.Command{
		Name: reconcile.Name, Category: category, ArgsUsage: "RUN_FOLDER",
		Usage: "verify that every input row has exactly one outcome",
		Flags: Flags(TaskFlags, ClickHouseFlags, ReconcileFlags, []cli.Flag{workersFlag,
			&cli.StringFlag{Name: "run", EnvVars: []string{"TXFLOW_RUN"}, Usage: "`FOLDER` of the run, by path or URL"},
			&cli.BoolFlag{Name: "pipelines", EnvVars: []string{"TXFLOW_PIPELINES"},
				Usage: "compare what batch and stream stored, instead of verifying a run"},
			&cli.BoolFlag{Name: "all", EnvVars: []string{"TXFLOW_RECONCILE_ALL"},
				Usage: "with --pipelines: compare all ids again, not only what is new since the last comparison"},
			SourceOfIDsFlag("TXFLOW_SOURCE", "with --pipelines: only ids of the source `NAME`")}),
		Description: `Reads the source files again and compares each row with the ledger, and the ledger with the
tables.

   txflow reconcile out/RUN_ID
   txflow reconcile --findings 100 --run s3://bucket/out/RUN_ID
   txflow reconcile --pipelines --source bank
   txflow reconcile --pipelines --all`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			cfg := ReconcileConfig(c)
			if err := Check(c, &cfg); err != nil {
				return err
			}
			if c.Bool("pipelines") {
				return comparePipelines(c, rt)
			}
			if c.Bool("all") {
				return app.Usage(c, errors.New("--all needs --pipelines"))
			}
			layout, _, err := runFolder(c, "run")
			if err != nil {
				return err
			}
			validated, err := readManifest(c, rt, layout.Manifest(validate.Name, -1), validate.Name)
			if err != nil {
				return err
			}
			if cfg.Files, err = readFiles(c, rt, validated); err != nil {
				return err
			}
			db, err := Store(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			env := NewEnv(c, rt, layout, validated.RunID, validated.Source)
			m, err := reconcile.Run(c.Context, env, rt.Artifacts, db, cfg)
			recordRun(c.Context, rt, db, validated, m, len(cfg.Files.Files), err)
			return Finish(c, rt, m, err, "txflow report; txflow lineage ID --source '"+validated.Source+"'")
		}),
	}
}

func comparePipelines(c *cli.Context, rt *app.Runtime) error {
	db, err := Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	var source *string
	if c.IsSet("source") {
		name := c.String("source")
		source = &name
	}
	m, err := reconcile.Pipelines(c.Context, NewEnv(c, rt, batch.Layout{}, "", c.String("source")), db, source,
		c.Bool("all"), c.Int("findings"))
	return Finish(c, rt, m, err, "")
}

func readFiles(c *cli.Context, rt *app.Runtime, validated *batch.Manifest) (*batch.Files, error) {
	at, err := validated.Output(batch.OutputFiles)
	if err != nil {
		return nil, err
	}
	var files batch.Files
	if err = batch.ReadJSON(c.Context, rt.Artifacts, at.URL, at.SHA256, &files); err == nil {
		err = files.Check()
	}
	return &files, err
}
