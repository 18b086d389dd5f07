//go:build !noembed

package platformcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/cmd/internal/setupcmd"
	"github.com/txflow/txflow/cmd/internal/uicmd"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/httpserve"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

var dataFolder = &cli.StringFlag{Name: "data", Value: ".txflow", EnvVars: []string{"TXFLOW_DATA"},
	Usage: "data `FOLDER`; only one process can open it"}

func platformCommand() *cli.Command {
	return &cli.Command{
		Name: "platform", Category: "Get started",
		Usage: "serve ClickHouse, Kafka and a Schema Registry for local development, until Ctrl-C",
		Flags: []cli.Flag{dataFolder,
			&cli.StringFlag{Name: "clickhouse-addr", Value: "127.0.0.1:8123", EnvVars: []string{"TXFLOW_PLATFORM_CLICKHOUSE"},
				Usage: "ClickHouse listens at `HOST:PORT`; other than on loopback it requires a password"},
			&cli.StringFlag{Name: "clickhouse-password", EnvVars: []string{"TXFLOW_PLATFORM_PASSWORD"},
				Usage: "`PASSWORD` of ClickHouse; generated if needed and not given"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "kafka-addr", Value: "127.0.0.1:9092",
				EnvVars: []string{"TXFLOW_PLATFORM_KAFKA"},
				Usage:   "Kafka listens at `HOST:PORT`; empty = no Kafka"}},
			app.Optional{StringFlag: &cli.StringFlag{Name: "registry-addr", Value: "127.0.0.1:8081",
				EnvVars: []string{"TXFLOW_PLATFORM_REGISTRY"},
				Usage:   "the Schema Registry listens at `HOST:PORT`; empty = no registry"}},
			app.Optional{StringFlag: pageAddrFlag}, app.OrNone(querycmd.JaegerFlag), uicmd.AirflowFlag,
			readers.StalledFlag,
		},
		Description: `The real ClickHouse engine answers as a ClickHouse server does over HTTP; the tables of txflow
are made at the start. At the same address /readyz answers 503 with the reason while a Kafka
table of ClickHouse does not progress although messages wait, and /metrics has
txflow_clickhouse_reader_stalled for an alert. A table whose consumer hangs gets a new one by
itself; where that does not help, the platform exits 75: start it again, nothing is lost. The
page of txflow ui is at 127.0.0.1:8090; where that address is taken, there is none.

   txflow platform
   txflow platform --data /var/lib/txflow --kafka-addr '' --registry-addr ''
   curl -s '127.0.0.1:8123/?database=txflow' -d 'SELECT * FROM category_totals FORMAT Pretty'`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			if err := app.Positive(c, readers.StalledFlag.Name); err != nil {
				return err
			}
			password, err := platformPassword(c.String("clickhouse-password"), c.String("clickhouse-addr"), c.String("data"),
				rt.Stderr)
			if err != nil {
				return err
			}
			if err := pageAddrErr(c, password); err != nil {
				return err
			}
			var health platformHealth
			p, err := embedded.Start(c.Context, embedded.Config{Dir: c.String("data"),
				ClickHouseAddr: c.String("clickhouse-addr"), Password: password,
				KafkaAddr: c.String("kafka-addr"), RegistryAddr: c.String("registry-addr"), Log: rt.Log, Progress: rt.Stderr,
				Routes:  health.routes(),
				Prepare: func(ctx context.Context, p *embedded.Platform) error { return preparePlatform(ctx, rt, p, password) }})
			if err != nil {
				return err
			}
			showAddresses(rt, p)
			stopPage := platformPage(c, rt, p, password)
			_, _ = fmt.Fprintln(rt.Stderr, "ready; Ctrl-C stops")
			err = health.run(c.Context, rt, c.Duration(readers.StalledFlag.Name), p, platformURL(p, password))
			_, _ = fmt.Fprintln(rt.Stderr, "stopping")
			stopPage()
			if closeErr := p.Close(); err == nil {
				err = closeErr
			}
			return err
		}),
		Subcommands: []*cli.Command{{
			Name: "fetch", Usage: "fetch the ClickHouse engine (about 180 MB, once, by npm) and print where it is",
			Description: `
   txflow platform fetch
   TXFLOW_ENGINE_DIR=/opt/txflow txflow platform fetch`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				lib, err := embedded.EnsureEngine(c.Context, os.Stderr)
				if err == nil {
					_, err = fmt.Fprintln(rt.Stdout, lib)
				}
				return err
			}),
		}},
	}
}

// platformPassword is the given password, or where ClickHouse listens beyond this machine one of 128 random bits. That
// one is in a file that only its owner can read, and stays the same from start to start.
func platformPassword(given, addr, data string, w io.Writer) (string, error) {
	if given != "" || httpserve.Loopback(addr) {
		return given, nil
	}
	file := filepath.Join(data, "clickhouse-password")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fault.Fail(fault.ExitUnavailable, err)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(rand.Text() + "\n")
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return "", fault.Fail(fault.ExitUnavailable, err)
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fault.WithHint(fault.Failf(fault.ExitUsage, "the password file %s is empty", file),
			"remove it, and a new password is made")
	}
	_, _ = fmt.Fprintf(w, "ClickHouse listens beyond this machine, at %s, without TLS: user default, password in %s "+
		"(set CLICKHOUSE_PASSWORD)\n", addr, file)
	return password, nil
}

// showAddresses prints where everything is, as the environment variables that the other commands read.
func showAddresses(rt *app.Runtime, p *embedded.Platform) {
	_, _ = fmt.Fprintf(rt.Stdout, "CLICKHOUSE_URL=%s\n", p.ClickHouseURL())
	if a := p.KafkaAddr(); a != "" {
		_, _ = fmt.Fprintf(rt.Stdout, "KAFKA_BROKERS=%s\n", a)
	}
	if u := p.RegistryURL(); u != "" {
		_, _ = fmt.Fprintf(rt.Stdout, "SCHEMA_REGISTRY_URL=%s\n", u)
	}
}

// platformURL is where the platform's ClickHouse answers, with the password that it asks for.
func platformURL(p *embedded.Platform, password string) string {
	if password == "" {
		return p.ClickHouseURL()
	}
	return strings.Replace(p.ClickHouseURL(), "://", "://"+url.UserPassword("default", password).String()+"@", 1)
}

// preparePlatform makes topics, schemas and tables, so that every command works at once.
func preparePlatform(ctx context.Context, rt *app.Runtime, p *embedded.Platform, password string) error {
	if registry := p.RegistryURL(); registry != "" {
		plan, client, err := setupcmd.PlanSchemas(ctx, registry)
		if err != nil {
			return err
		}
		if err := setupcmd.ApplySchemas(ctx, client, plan, rt.Stderr); err != nil {
			return err
		}
	}
	if p.KafkaAddr() != "" {
		admin, err := kafka.NewAdmin(kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log})
		if err != nil {
			return err
		}
		defer admin.Close()
		plan, err := topics.Plan(ctx, admin, topics.All(topics.Default, 1))
		if err != nil {
			return err
		}
		applied := 0
		if err := topics.Apply(ctx, admin, plan, func(topics.Change) { applied++ }); err != nil {
			return err
		}
		if applied > 0 {
			_, _ = fmt.Fprintf(rt.Stderr, "topics: %s applied\n", display.Count(applied, "change"))
		}
	}
	db, err := store.Open(store.Config{URL: secret.NewURL(platformURL(p, password)), Log: rt.Log})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := setupcmd.MigrateUp(ctx, db, rt.Stderr, true); err != nil || p.KafkaAddr() == "" {
		return err
	}
	brokers := ""
	if p.KafkaMoved() {
		brokers = p.KafkaAddr()
	}
	return setupcmd.MigrateStream(ctx, db, rt.Stderr, brokers, nil)
}
