// Package mlapicmd serves the bundled ML API, and checks any other.
package mlapicmd

import (
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/server"
)

// Command is txflow ml-api.
func Command() *cli.Command {
	return &cli.Command{
		Name: "ml-api", Category: "Get started",
		Usage: "serve the bundled ML API: /predict, /health, /metrics, /docs, /openapi.json",
		Description: `A stand-in for your own model: the category of a transaction is a hash of its id. The
fault-injection flags make it slow, faulty or another model; the same seed makes the same
faults.

   txflow ml-api
   txflow ml-api --addr 0.0.0.0:8000
   txflow ml-api --latency 20ms --jitter 30ms --error-rate 0.1 --throttle-rate 0.05
   txflow ml-api --model-version hash-v2 --rotate 1
   txflow ml-api --tls-cert cert.pem --tls-key key.pem --token-file tokens
   curl -s http://127.0.0.1:8000/health`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Value: server.DefaultAddr, EnvVars: []string{"ML_API_ADDR"},
				Usage: "listen at `HOST:PORT`"},
			&cli.StringFlag{Name: "model-version", Value: server.DefaultModelVersion, EnvVars: []string{"ML_API_MODEL_VERSION"},
				Usage: "answer as model `VERSION`"},
			batchcmd.CategoriesFlag,
			&cli.IntFlag{Name: "rotate", EnvVars: []string{"ML_API_ROTATE"},
				Usage: "fault injection: shift the categories by `N` places"},
			&cli.Int64Flag{Name: "max-body", Value: server.DefaultMaxBodyBytes, EnvVars: []string{"ML_API_MAX_BODY"},
				Usage: "maximum size of a request, in `BYTES`; more is answered with 413"},
			&cli.IntFlag{Name: "max-items", Value: server.DefaultMaxItems, EnvVars: []string{"ML_API_MAX_ITEMS"},
				Usage: "maximum `N` transactions per request; more is answered with 422"},
			&cli.Int64Flag{Name: "max-in-flight", Value: server.DefaultMaxInFlight, EnvVars: []string{"ML_API_MAX_IN_FLIGHT"},
				Usage: "maximum `BYTES` of request bodies in memory; more is answered with 429"},
			&cli.StringFlag{Name: "token-file", EnvVars: []string{"ML_API_SERVER_TOKEN_FILE"},
				Usage: "require a bearer token from `FILE`, one per line; reloaded when it changes"},
			&cli.StringFlag{Name: "tls-cert", EnvVars: []string{"ML_API_TLS_CERT"},
				Usage: "serve TLS with the certificate in `FILE`, in PEM"},
			&cli.StringFlag{Name: "tls-key", EnvVars: []string{"ML_API_TLS_KEY"}, Usage: "the certificate's key, in `FILE`"},
			&cli.DurationFlag{Name: "shutdown-limit", Value: server.DefaultShutdownLimit,
				EnvVars: []string{"ML_API_SHUTDOWN_LIMIT"}, Usage: "graceful-shutdown timeout `TIME` for requests in flight"},
			&cli.DurationFlag{Name: "latency", EnvVars: []string{"ML_API_LATENCY"},
				Usage: "fault injection: delay each response by `TIME`"},
			&cli.DurationFlag{Name: "jitter", EnvVars: []string{"ML_API_JITTER"},
				Usage: "fault injection: additional random delay of up to `TIME`"},
			&cli.Float64Flag{Name: "error-rate", EnvVars: []string{"ML_API_ERROR_RATE"},
				Usage: "fault injection: answer this `RATIO` of requests with 500"},
			&cli.Float64Flag{Name: "throttle-rate", EnvVars: []string{"ML_API_THROTTLE_RATE"},
				Usage: "fault injection: answer this `RATIO` of requests with 429"},
			&cli.DurationFlag{Name: "retry-after", Value: server.DefaultRetryAfter, EnvVars: []string{"ML_API_RETRY_AFTER"},
				Usage: "Retry-After of a 429, `TIME` in whole seconds"},
			&cli.Float64Flag{Name: "short-rate", EnvVars: []string{"ML_API_SHORT_RATE"},
				Usage: "fault injection: omit the last item in this `RATIO` of responses"},
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: []string{"ML_API_SEED"},
				Usage: "fault injection: `SEED` of the faults"},
		},
		Subcommands: []*cli.Command{mlAPICheckCommand()},
		Action:      app.Action(serveMLAPI),
	}
}

// serveMLAPI serves until SIGINT or SIGTERM.
func serveMLAPI(c *cli.Context, rt *app.Runtime) error {
	if c.Args().Present() {
		return fault.Failf(fault.ExitUsage, "ml-api takes no arguments, only flags: %q", c.Args().First())
	}
	tokens, err := secret.NewTokens("", c.String("token-file"))
	if err != nil {
		return fault.WithHint(fault.Fail(fault.ExitUsage, err),
			"--token-file (ML_API_SERVER_TOKEN_FILE) names a file with a token a line")
	}
	categories, err := batchcmd.Categories(c)
	if err != nil {
		return err
	}
	s, err := server.New(server.Config{Categories: categories,
		MaxInFlight: c.Int64("max-in-flight"), Tokens: tokens, CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"),
		Addr: c.String("addr"), ModelVersion: c.String("model-version"), Rotate: c.Int("rotate"),
		MaxBodyBytes: c.Int64("max-body"),
		MaxItems:     c.Int("max-items"), ShutdownLimit: c.Duration("shutdown-limit"), TracerProvider: rt.TracerProvider,
		Propagator: rt.Propagator, Logger: rt.Log,
		Practice: server.Practice{Latency: c.Duration("latency"), Jitter: c.Duration("jitter"),
			ErrorRate:    c.Float64("error-rate"),
			ThrottleRate: c.Float64("throttle-rate"), RetryAfter: c.Duration("retry-after"), ShortRate: c.Float64("short-rate"),
			Seed: c.Uint64("seed")},
	})
	if err != nil {
		return err
	}
	return s.ListenAndServe(c.Context)
}
