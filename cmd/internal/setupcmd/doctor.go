package setupcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/otel/jaegerapi"
	"github.com/txflow/txflow/otel/telemetry"
)

// check is what doctor found out about one thing.
type check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
	Next    string `json:"next,omitempty"`     // what to do when it is not OK
	Neutral bool   `json:"optional,omitempty"` // it may be missing: only some commands need it
}

// Doctor is txflow doctor.
func Doctor() *cli.Command {
	return &cli.Command{
		Name: "doctor", Category: "Set up and check", Usage: "check all dependencies and show fixes",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_DOCTOR_JSON"}, Usage: "one JSON object per line"},
			&cli.DurationFlag{Name: "timeout", Value: 5 * time.Second, EnvVars: []string{"TXFLOW_DOCTOR_TIMEOUT"},
				Action: app.TimeFrom("timeout", time.Millisecond),
				Usage:  "`TIME` limit for each dependency"},
			&cli.StringFlag{Name: "out", Value: "./out", EnvVars: []string{"TXFLOW_OUT"},
				Usage: "folder or `URL` for artifacts"},
			querycmd.JaegerFlag, batchcmd.CategoriesFlag, readers.StalledFlag, kafkaflags.Topics,
		}, batchcmd.MLAddressFlags, kafkaflags.Flags, []cli.Flag{kafkaflags.Registry}, batchcmd.ClickHouseFlags),
		Description: `Exits 69 when something is missing that all commands need. What is "optional" only some commands
need.

   txflow doctor
   txflow doctor --json | jq -r 'select(.ok or .optional | not) | .next'`,
		Action: app.Action(runDoctor),
	}
}

// The table is cut at doctorColumns; a detail longer than doctorDetail is also printed below it, in full.
const (
	doctorColumns = 100
	doctorDetail  = 60
)

func runDoctor(c *cli.Context, rt *app.Runtime) error {
	checks := append(checkEngine(), checkClickHouse(c, rt)...)
	checks = append(checks, checkMLAPI(c, rt), checkArtifacts(c, rt), checkKafka(c, rt), checkRegistry(c))
	checks = append(checks, checkReaders(c, rt)...)
	checks = append(checks, checkRollups(c, rt)...)
	checks = append(checks, checkErasures(c, rt)...)
	checks = append(checks, checkTraces(c)...)
	bad, needed := 0, 0
	for _, k := range checks {
		if k.Neutral && !k.OK {
			continue
		}
		needed++
		if !k.OK {
			bad++
		}
	}
	if c.Bool("json") {
		out := json.NewEncoder(rt.Stdout)
		for _, k := range checks {
			if err := out.Encode(k); err != nil {
				return err
			}
		}
	} else {
		t := table.New("what", "state", "detail")
		for _, k := range checks {
			state := "ok"
			if !k.OK {
				state = "missing"
				if k.Neutral {
					state = "optional"
				}
			}
			t.Add(k.Name, state, k.Detail)
		}
		t.Columns = doctorColumns
		t.Print(rt.Stdout)
		for _, k := range checks {
			if utf8.RuneCountInString(k.Detail) > doctorDetail {
				_, _ = fmt.Fprintf(rt.Stdout, "\n%s: %s\n", k.Name, table.Plain(k.Detail))
			}
			if !k.OK && k.Next != "" {
				_, _ = fmt.Fprintf(rt.Stdout, "next, for %s: %s\n", k.Name, k.Next)
			}
		}
	}
	if bad > 0 {
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "%d of %d required checks failed", bad, needed),
			"see next of each check that is missing; then run txflow doctor again")
	}
	return nil
}

func failed(name string, err error) check {
	return check{Name: name, Detail: err.Error(), Next: fault.Hint(err)}
}

func checkClickHouse(c *cli.Context, rt *app.Runtime) []check {
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return []check{failed("ClickHouse", err)}
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	version, err := db.ServerVersion(ctx)
	if err != nil {
		return []check{failed("ClickHouse", err)}
	}
	here := check{Name: "ClickHouse", OK: true, Detail: version + " at " + db.Address()}
	set, err := schema.Core()
	if err != nil {
		return []check{here, failed("schema", err)}
	}
	state, err := migrate.Status(ctx, db, set)
	if err == nil {
		err = state.Err()
	}
	switch {
	case err != nil:
		return []check{here, failed("schema", err)}
	case len(state.Pending) > 0:
		return []check{here, {Name: "schema", Detail: fmt.Sprintf("%d of %d migrations are to be applied in %s",
			len(state.Pending), len(set.Migrations), db.Database()), Next: "txflow migrate"}}
	}
	return []check{here, {Name: "schema", OK: true, Detail: fmt.Sprintf("%s is up to date: %d migrations", db.Database(),
		state.Current)}, checkStreamTables(ctx, db)}
}

// doctorRows are enough to see most of an API's categories.
const doctorRows = 200

func checkMLAPI(c *cli.Context, rt *app.Runtime) check {
	cfg, err := batchcmd.MLAddress(c, rt)
	if err != nil {
		return failed("ML API", err)
	}
	cfg.OutageLimit, cfg.MaxAttempts, cfg.CallTimeout = -1, 1, c.Duration("timeout")
	api, err := client.New(cfg)
	if err != nil {
		return failed("ML API", err)
	}
	defer api.Close()
	model, err := api.Model(c.Context)
	if err != nil {
		return failed("ML API", err)
	}
	result, err := api.Predict(c.Context, client.SampleRows(doctorRows))
	if err != nil {
		return failed("ML API", err)
	}
	if refusal := result.Items[0].Refusal; refusal != nil {
		return check{Name: "ML API", Detail: fmt.Sprintf("it refuses generated rows with HTTP status %d", refusal.Status),
			Next: "txflow ml-api check " + cfg.URL.String()}
	}
	if model == "" {
		model = "an unnamed model"
	}
	return check{Name: "ML API", OK: true, Detail: model + " at " + cfg.URL.String()}
}

// checkArtifacts writes an object and removes it again.
func checkArtifacts(c *cli.Context, rt *app.Runtime) check {
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	if err := rt.Artifacts.Probe(ctx, c.String("out")); err != nil {
		return check{Name: "artifacts", Detail: err.Error(),
			Next: "name a folder or URL that can be written with --out (TXFLOW_OUT)"}
	}
	return check{Name: "artifacts", OK: true, Detail: c.String("out") + " can be written"}
}

// checkTraces says where spans go, and whether they can be looked at; no run depends on it.
func checkTraces(c *cli.Context) []check {
	endpoint := telemetry.Endpoint()
	if endpoint == "" {
		return []check{{Name: "traces", Neutral: true, Detail: "tracing export is off",
			Next: "set OTEL_EXPORTER_OTLP_ENDPOINT to see them in Jaeger"}}
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	to := check{Name: "traces", OK: true, Detail: "sent to " + secret.NewURL(endpoint).String()}
	if err := telemetry.Reachable(ctx, endpoint); err != nil {
		to = check{Name: "traces", Detail: err.Error(),
			Next: "start the collector at OTEL_EXPORTER_OTLP_ENDPOINT, or unset it; runs go on without it"}
	}
	at := jaegerapi.Client{URL: c.String("jaeger-url"), HTTP: http.DefaultClient}
	services, err := at.Services(ctx)
	if err != nil {
		return []check{to, {Name: "Jaeger", Neutral: true, Detail: err.Error(),
			Next: "set JAEGER_URL where it is elsewhere; only txflow trace needs it"}}
	}
	detail := fmt.Sprintf("traces of %s at %s", display.Count(len(services), "service"), secret.NewURL(at.URL))
	return []check{to, {Name: "Jaeger", OK: true, Detail: detail}}
}
