//go:build !noembed

package platformcmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/cmd/internal/runcmd"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/ml_api/server"
	"github.com/txflow/txflow/otel/telemetry"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/run"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// demoSource is the source of the demo's ids, so that they meet nobody else's.
const demoSource = "demo"

func demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Category: "Get started",
		Usage: "run batch, stream and events in one process, with ClickHouse, Kafka and the ML API",
		Flags: []cli.Flag{dataFolder,
			&cli.StringFlag{Name: "file", Value: "data/transactions.csv", EnvVars: []string{"TXFLOW_DEMO_FILE"},
				Usage: "`FILE` of transactions"}},
		Description: `Fetches the ClickHouse engine the first time (about 180 MB, by npm). A second demo stores
nothing twice.

   txflow demo
   txflow demo --file my.csv --data /tmp/txflow-demo`,
		Action: app.Action(runDemo),
	}
}

func runDemo(c *cli.Context, rt *app.Runtime) error {
	file, err := artifact.Canonical(c.String("file"))
	if err != nil {
		return err
	}
	if ok, err := rt.Artifacts.Exists(c.Context, file); err != nil || !ok {
		return fault.WithHint(fault.Failf(fault.ExitData, "%s: no such file", c.String("file")),
			"run the demo in the folder that has data/, or name a file with --file")
	}
	p, err := embedded.Start(c.Context, embedded.Config{Dir: c.String("data"), ClickHouseAddr: "127.0.0.1:0",
		KafkaAddr: "127.0.0.1:0", Log: rt.Log, Progress: rt.Stderr,
		Prepare: func(ctx context.Context, p *embedded.Platform) error { return preparePlatform(ctx, rt, p, "") }})
	if err != nil {
		return err
	}
	err = demo(c, rt, p, file)
	if closeErr := p.Close(); err == nil {
		err = closeErr
	}
	return err
}

func demo(c *cli.Context, rt *app.Runtime, p *embedded.Platform, file string) error {
	db, err := store.Open(store.Config{URL: secret.NewURL(p.ClickHouseURL()), OutageLimit: time.Minute, Log: rt.Log})
	if err != nil {
		return err
	}
	defer db.Close()
	url, stop, err := startMLAPI(c.Context, rt, c.App.Version)
	if err != nil {
		return err
	}
	defer stop()
	api, err := client.New(client.Config{URL: secret.NewURL(url), TracerProvider: rt.TracerProvider, Logger: rt.Log})
	if err != nil {
		return err
	}
	defer api.Close()
	model, err := api.Model(c.Context)
	if err != nil {
		return err
	}
	opt := source.Options{MaxRecord: source.DefaultMaxRecord, Rules: transaction.DefaultRules(time.Now())}
	opt.Rules.Source = demoSource
	now := time.Now().UTC().Truncate(time.Microsecond)
	runID := batchcmd.NewRunID(now)
	layout := batch.NewLayout(filepath.Join(c.String("data"), "out"), runID)
	workers := runtime.GOMAXPROCS(0)
	_, err = runcmd.Pipeline(c.Context, rt, batchcmd.NewEnv(c, rt, layout, runID, demoSource), api, db, run.Config{
		Validate: validate.Config{Files: []string{file}, Options: opt, MaxRejectRatio: 0.1, Workers: workers,
			Contents: batch.Contents{AsOf: now, JudgedAt: now}},
		Split: split.Config{MaxChunks: split.DefaultMaxChunks, MinRows: split.DefaultMinRows,
			SegmentRows: split.DefaultSegmentRows},
		Classify: classify.Config{API: classify.APIKey(url, model), BatchRows: classify.DefaultBatchRows,
			Concurrency: classify.DefaultConcurrency},
		Load:      load.Config{BlockRows: load.DefaultBlockRows, Inserts: load.DefaultInserts},
		Reconcile: reconcile.Config{Pipeline: load.Pipeline, Workers: workers, Limit: reconcile.DefaultLimit},
	})
	if err != nil {
		return err
	}
	if err := showDemo(c, rt, db, runID); err != nil {
		return err
	}
	if err := demoStream(c.Context, rt, p, api, db); err != nil {
		return err
	}
	if err := demoEvents(c.Context, rt, p, db); err != nil {
		return err
	}
	goOn(c, rt)
	return nil
}

// startMLAPI serves the ML API on a free port, as a service of its own in traces.
func startMLAPI(ctx context.Context, rt *app.Runtime, version string) (url string, stop func(), err error) {
	traces, err := telemetry.Setup(ctx, telemetry.Config{Service: "txflow-ml-api", Version: version, Log: rt.Log})
	if err != nil {
		return "", nil, fault.Fail(fault.ExitUsage, err)
	}
	s, err := server.New(server.Config{Addr: "127.0.0.1:0", TracerProvider: traces.TracerProvider()})
	if err != nil {
		return "", nil, err
	}
	listener, err := s.Listen(ctx)
	if err != nil {
		return "", nil, err
	}
	serveCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- s.Serve(serveCtx, listener) }()
	return "http://" + listener.Addr().String(), func() {
		cancel()
		<-served //nolint:errcheck // it ended because it was stopped
		traces.Shutdown(ctx)
	}, nil
}

// showDemo asks ClickHouse what is stored, and prints what to try next.
func showDemo(c *cli.Context, rt *app.Runtime, db *store.Store, runID string) error {
	demo := demoSource
	rows, err := db.Report(c.Context, store.ReportQuery{Source: &demo})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(rt.Stdout, "\nstored in ClickHouse, by category")
	querycmd.ReportTable(rt.Stdout, "category", rows, 0)
	id, err := db.FirstOf(c.Context, runID)
	if err != nil {
		return err
	}
	if id != nil {
		l, err := db.Lineage(c.Context, *id)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(rt.Stdout, "\nlineage of one of them")
		if err := querycmd.ShowLineage(rt.Stdout, l); err != nil {
			return err
		}
	}
	return nil
}

// goOn prints what to try next.
func goOn(c *cli.Context, rt *app.Runtime) {
	me, data := os.Args[0], ""
	if c.IsSet("data") {
		data = " --data " + c.String("data")
	}
	_, _ = fmt.Fprintf(rt.Stdout, `
next steps
  %[1]s platform%[2]s
      serves the same folder: a page to look at, http://127.0.0.1:8090, ClickHouse at http://127.0.0.1:8123, Kafka,
      a Schema Registry. In other terminals:
  %[1]s ml-api
  %[1]s run --source NAME FILE
  %[1]s stream classify, and %[1]s stream produce --rate 1000
  %[1]s collect, %[1]s stream refine, and then send events: open http://127.0.0.1:8001/docs
  %[1]s report --by month, %[1]s events report --by account
  curl -s 'http://127.0.0.1:8123/?database=txflow' -d 'SELECT * FROM category_totals FORMAT PrettyCompact'
`, me, data)
}
