// Package uicmd is the command that serves the page about what is stored and what runs.
package uicmd

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/ui"
	"github.com/txflow/txflow/otel/jaegerapi"
)

// AirflowFlag says where Airflow's page is.
var AirflowFlag = &cli.StringFlag{Name: "airflow-url", EnvVars: []string{"TXFLOW_AIRFLOW_URL"},
	Usage: "`URL` of Airflow's page, for links from runs to it"}

// Command is txflow ui.
func Command() *cli.Command {
	return &cli.Command{
		Name: "ui", Category: "Query results",
		Usage: "serve a read-only page: categories, runs, transactions, dead letters, the stream",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "addr", Value: ui.DefaultAddr, EnvVars: []string{"TXFLOW_UI_ADDR"},
				Usage: "listen at `HOST:PORT`; beyond this machine the page asks for a token"},
			&cli.StringFlag{Name: "token-file", EnvVars: []string{"TXFLOW_UI_TOKEN_FILE"},
				Usage: "ask for a token that stands in `FILE`, one a line; read again when it changes; " +
					"TXFLOW_UI_TOKEN may hold it instead"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "jaeger-url", Value: "http://127.0.0.1:16686",
				EnvVars: []string{"JAEGER_URL"},
				Usage:   "`URL` of Jaeger, for traces; empty for none"}},
			AirflowFlag,
		}, []cli.Flag{kafkaflags.Group, kafkaflags.GroupOfRefine, readers.StalledFlag}, kafkaflags.Optional(),
			batchcmd.ClickHouseFlags[:1]),
		Description: `The page reads ClickHouse and changes nothing. Each of its pages is also CSV (?format=csv) and
JSON (?format=json). Kafka and Jaeger are asked where they answer; --kafka-brokers '' leaves the
stream out. txflow platform serves the same page.

   txflow ui
   CLICKHOUSE_URL=http://clickhouse:8123 txflow ui --kafka-brokers kafka:9092
   txflow ui --addr 0.0.0.0:8090 --token-file token
   curl -s 'http://127.0.0.1:8090/runs?format=json' | jq '.parts.runs[0]'`,
		Action: app.Action(serve),
	}
}

func serve(c *cli.Context, rt *app.Runtime) error {
	if c.Args().Present() {
		return fault.Failf(fault.ExitUsage, "ui takes no arguments, only flags: %q", c.Args().First())
	}
	tokens, err := secret.NewTokens(os.Getenv("TXFLOW_UI_TOKEN"), c.String("token-file"))
	if err != nil {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "the token of the page: %w", err),
			"see --token-file (TXFLOW_UI_TOKEN_FILE) and TXFLOW_UI_TOKEN")
	}
	db, err := store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), OutageLimit: -1, Log: rt.Log,
		ReadOnly: ui.Bounds()})
	if err != nil {
		return err
	}
	defer db.Close()
	cfg := &ui.Config{DB: db, Traces: Jaeger(c.String("jaeger-url")), Jaeger: c.String("jaeger-url"),
		Airflow: c.String("airflow-url"), Tokens: tokens, Version: c.App.Version, Log: rt.Log}
	if c.String("kafka-brokers") != "" {
		look, closed, err := looker(c, rt, db)
		if err != nil {
			return err
		}
		defer closed()
		cfg.Stream = look
	}
	server, err := Listen(c.Context, c.String("addr"), cfg)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(rt.Stdout, "TXFLOW_UI_URL=%s\n", server.URL())
	_, _ = fmt.Fprintln(rt.Stderr, "ready; Ctrl-C stops")
	return server.Wait(c.Context)
}

// looker looks at the consumer groups, as the flags say.
func looker(c *cli.Context, rt *app.Runtime, db *store.Store) (*readers.Looker, func(), error) {
	cfg, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err); err != nil {
		return nil, nil, err
	}
	if err := app.Positive(c, readers.StalledFlag.Name); err != nil {
		return nil, nil, err
	}
	return readers.NewLooker(cfg, db, c.String("group"), c.String(kafkaflags.GroupOfRefine.Name),
		c.Duration(readers.StalledFlag.Name))
}

// Bounds of a question to Jaeger.
const (
	traceTime  = 10 * time.Second
	traceBytes = 64 << 20
)

// Jaeger reads traces from a Jaeger; nil for no address.
func Jaeger(url string) ui.Traces {
	if url == "" {
		return nil
	}
	return &jaegerapi.Client{URL: url, HTTP: &http.Client{Timeout: traceTime}, Limit: traceBytes}
}
