// Package collectcmd is the command that takes events over HTTP.
package collectcmd

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/collect"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/registry"
	"github.com/txflow/txflow/stream/schemas"
)

// Command is txflow collect.
func Command() *cli.Command {
	return &cli.Command{
		Name: "collect", Category: "Events", Usage: "take business events over HTTP: POST /collect, /docs, /metrics",
		Description: `A package is answered when Kafka has all of it: 200 all accepted; 207 some break a rule and are
dead letters; 422 all do, or one does and the request says Prefer: handling=strict; 429 and 503
with Retry-After: send the same again. On this machine senders need no token; beyond it
--token-file names theirs, a line NAME TOKEN [until=TIME] [rate=N] each.

   txflow collect
   txflow collect --addr 0.0.0.0:8001 --token-file tokens --tls-cert cert.pem --tls-key key.pem
   curl -s http://127.0.0.1:8001/collect -H 'Content-Type: application/json' -d @event.json
   open http://127.0.0.1:8001/docs`,
		Flags:  batchcmd.Flags(serverFlags(), kafkaflags.Flags, []cli.Flag{kafkaflags.Registry}),
		Action: app.Action(serve),
	}
}

func serverFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "addr", Value: collect.DefaultAddr, EnvVars: []string{"TXFLOW_COLLECT_ADDR"},
			Usage: "listen at `HOST:PORT`; beyond this machine tokens are needed"},
		&cli.StringFlag{Name: "token-file", EnvVars: []string{"TXFLOW_COLLECT_TOKEN_FILE"},
			Usage: "require one of the senders' bearer tokens in `FILE`, a line NAME TOKEN (or sha256:HEX) [until=TIME] " +
				"[rate=N] each; reloaded when it changes"},
		&cli.StringFlag{Name: "tls-cert", EnvVars: []string{"TXFLOW_COLLECT_TLS_CERT"},
			Usage: "serve TLS with the certificate in `FILE`, in PEM; read again when it changes"},
		&cli.StringFlag{Name: "tls-key", EnvVars: []string{"TXFLOW_COLLECT_TLS_KEY"},
			Usage: "the certificate's key, in `FILE`"},
		&cli.StringSliceFlag{Name: "cors-origin", EnvVars: []string{"TXFLOW_COLLECT_CORS_ORIGINS"},
			Usage: "let web pages of `ORIGIN` send, like https://shop.example; several separated by commas, or several times"},
		app.Optional{StringFlag: &cli.StringFlag{Name: "audit-log", Value: "out/audit/collect.ndjson",
			EnvVars: []string{"TXFLOW_COLLECT_AUDIT_LOG"},
			Usage:   "append who sent what, and the outcome, to `FILE`, never the payload; empty for none"}},
		app.Optional{StringFlag: &cli.StringFlag{Name: "clickhouse-url", Value: "http://127.0.0.1:8123",
			EnvVars: []string{"CLICKHOUSE_URL"},
			Usage:   "`URL` of ClickHouse, which GET /events/{id} asks; empty for none"}},
		&cli.StringFlag{Name: "refine-group", Value: events.Group, EnvVars: []string{"TXFLOW_REFINE_GROUP"},
			Usage: "consumer group `NAME` of stream refine, for GET /events/{id}: silver is what it is done with"},
		app.Optional{StringFlag: &cli.StringFlag{Name: "objects", Value: "out/events",
			EnvVars: []string{"TXFLOW_EVENTS_OBJECTS"},
			Usage:   "keep copies of dead letters below `URL`, by date; empty for none"}},
		app.Optional{StringFlag: &cli.StringFlag{Name: "schema-cache", Value: "out/collect/schema.json",
			EnvVars: []string{"TXFLOW_COLLECT_SCHEMA_CACHE"},
			Usage:   "remember the schema's id in `FILE`: the next start needs no registry; empty for none"}},
		&cli.IntFlag{Name: "schema-id", EnvVars: []string{"TXFLOW_COLLECT_SCHEMA_ID"},
			Usage: "the `ID` of the schema of events.raw, instead of asking the registry"},
		&cli.Int64Flag{Name: "max-body", Value: collect.DefaultMaxBodyBytes,
			EnvVars: []string{"TXFLOW_COLLECT_MAX_BODY"},
			Usage:   "maximum size of a package, unpacked, in `BYTES`; more is answered with 413"},
		&cli.IntFlag{Name: "max-items", Value: collect.DefaultMaxItems, EnvVars: []string{"TXFLOW_COLLECT_MAX_ITEMS"},
			Usage: "maximum `N` events of a package; more are answered with 413"},
		&cli.IntFlag{Name: "max-event", Value: collect.DefaultMaxEventBytes,
			EnvVars: []string{"TXFLOW_COLLECT_MAX_EVENT"},
			Usage:   "maximum size of an event, in `BYTES`; a larger one is a dead letter"},
		&cli.Int64Flag{Name: "max-in-flight", Value: collect.DefaultMaxInFlight,
			EnvVars: []string{"TXFLOW_COLLECT_MAX_IN_FLIGHT"},
			Usage:   "maximum `BYTES` of bodies in memory, which takes about four times that; more is answered with 429"},
		&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_COLLECT_RATE"},
			Usage: "maximum `N` events a second of each token without a rate of its own; more are answered with 429; " +
				"0 = no limit"},
		&cli.DurationFlag{Name: "ack-timeout", Value: collect.DefaultAckTimeout,
			EnvVars: []string{"TXFLOW_COLLECT_ACK_TIMEOUT"},
			Usage:   "wait `TIME` for Kafka to acknowledge, then answer 503"},
		&cli.DurationFlag{Name: "body-timeout", Value: collect.DefaultBodyTimeout,
			EnvVars: []string{"TXFLOW_COLLECT_BODY_TIMEOUT"},
			Usage:   "wait `TIME` for a body, then answer 408"},
		&cli.DurationFlag{Name: "shutdown-limit", EnvVars: []string{"TXFLOW_COLLECT_SHUTDOWN_LIMIT"},
			Usage: "graceful-shutdown timeout `TIME` for requests in flight (default: --ack-timeout and 5s)"},
	}
}

// noZeros is an error for limits of nothing: a zero of the configuration is the default.
func noZeros(c *cli.Context) error {
	var errs []error
	for _, flag := range []string{"max-body", "max-items", "max-event", "max-in-flight", "ack-timeout", "body-timeout"} {
		if c.IsSet(flag) && reflect.ValueOf(c.Value(flag)).IsZero() {
			errs = append(errs, fmt.Errorf("--%s is %v: it must be more", flag, c.Value(flag)))
		}
	}
	return errors.Join(errs...)
}

// serve serves until SIGINT or SIGTERM.
func serve(c *cli.Context, rt *app.Runtime) error {
	if c.Args().Present() {
		return fault.Failf(fault.ExitUsage, "collect takes no arguments, only flags: %q", c.Args().First())
	}
	brokers, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, noZeros(c)); err != nil {
		return err
	}
	cfg := collect.Config{Addr: c.String("addr"), CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"),
		Origins:      origins(c),
		MaxBodyBytes: c.Int64("max-body"), MaxItems: c.Int("max-items"), MaxEventBytes: c.Int("max-event"),
		MaxInFlight: c.Int64("max-in-flight"), Rate: c.Float64("rate"), AckTimeout: c.Duration("ack-timeout"),
		BodyTimeout: c.Duration("body-timeout"), ShutdownLimit: c.Duration("shutdown-limit"),
		TracerProvider: rt.TracerProvider, Propagator: rt.Propagator, Logger: rt.Log}
	if path := c.String("token-file"); path != "" {
		if cfg.Tokens, err = collect.NewTokens(path, rt.Log); err != nil {
			return fault.WithHint(fault.Failf(fault.ExitUsage, "the file with the tokens, %s: %w", path, err),
				"a line is NAME TOKEN [until=TIME] [rate=N]; a token: openssl rand -hex 24")
		}
	}
	if cfg.Schema, err = schema(c, rt); err != nil {
		return err
	}
	if url := c.String("clickhouse-url"); url != "" {
		db, err := store.Open(store.Config{URL: secret.NewURL(url), Log: rt.Log})
		if err != nil {
			return err
		}
		defer db.Close()
		admin, err := kafka.NewAdmin(brokers)
		if err != nil {
			return err
		}
		defer admin.Close()
		cfg.States = &states{db, admin, c.String("refine-group"), rt.Log}
	}
	if objects := c.String("objects"); objects != "" {
		cfg.Copies = &copies{rt.Artifacts, strings.TrimRight(objects, "/")}
	}
	if path := c.String("audit-log"); path != "" {
		if cfg.Audit, err = collect.NewAudit(path); err != nil {
			return fault.WithHint(err, "name another file with --audit-log (TXFLOW_COLLECT_AUDIT_LOG)")
		}
		defer func() { _ = cfg.Audit.Close() }() // each line was written in one piece
	}
	publisher, err := kafka.NewPublisher(brokers, max(c.Duration("ack-timeout"), time.Second))
	if err != nil {
		return err
	}
	defer func() { // all requests are answered
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), time.Second)
		defer cancel()
		publisher.Close(ctx)
	}()
	cfg.Publisher = publisher
	s, err := collect.New(cfg)
	if err != nil {
		return err
	}
	listener, err := s.Listen(c.Context)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(rt.Stdout, "TXFLOW_COLLECT_ADDR=%s\n", listener.Addr())
	return s.Serve(c.Context, listener)
}

func origins(c *cli.Context) (all []string) {
	for _, list := range c.StringSlice("cors-origin") {
		for origin := range strings.SplitSeq(list, ",") {
			if origin = strings.TrimSpace(origin); origin != "" {
				all = append(all, origin)
			}
		}
	}
	return all
}

// schema is the id of events.raw's schema, known or to be asked for.
func schema(c *cli.Context, rt *app.Runtime) (*collect.Schema, error) {
	if c.IsSet("schema-id") {
		id := c.Int("schema-id")
		if id < 1 || id > 1<<31-1 {
			return nil, app.Usage(c, errors.New("--schema-id must be a positive number of 31 bits"))
		}
		return collect.FixedSchema(int32(id)), nil
	}
	client, err := registry.New(c.String("registry-url"))
	if err != nil {
		return nil, err
	}
	return collect.NewSchema(client.Address(), c.String("schema-cache"), func(ctx context.Context) (int32, error) {
		return client.AvroID(ctx, schemas.RawEvents, events.RawSchema)
	}, rt.Log), nil
}
