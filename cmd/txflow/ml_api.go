package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/server"
)

func mlAPICommand() *cli.Command {
	return &cli.Command{
		Name: "ml-api", Category: "Platform",
		Usage: "serve the ML API: POST /predict, and /health, /metrics, /docs, /openapi.json",
		Description: `Answers each transaction with a category that follows from its id. The flags about practice make it slow, faulty or
another model, so that one can see what a pipeline does then; the same seed makes the same faults.

   txflow ml-api
   txflow ml-api --addr 0.0.0.0:8000
   txflow ml-api --latency 20ms --jitter 30ms --error-rate 0.1 --throttle-rate 0.05 --retry-after 2s
   txflow ml-api --model-version hash-v2 --rotate 1
   txflow ml-api --tls-cert cert.pem --tls-key key.pem --token-file tokens
   curl -s http://127.0.0.1:8000/health`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Value: server.DefaultAddr, EnvVars: []string{"ML_API_ADDR"}, Usage: "listen at `HOST:PORT`"},
			&cli.StringFlag{Name: "model-version", Value: server.DefaultModelVersion, EnvVars: []string{"ML_API_MODEL_VERSION"}, Usage: "answer as model `VERSION`"},
			batchcmd.CategoriesFlag,
			&cli.IntFlag{Name: "rotate", EnvVars: []string{"ML_API_ROTATE"}, Usage: "practice: move the categories on by `N` places"},
			&cli.Int64Flag{Name: "max-body", Value: server.DefaultMaxBodyBytes, EnvVars: []string{"ML_API_MAX_BODY"}, Usage: "answer 413 to more than so many `BYTES`"},
			&cli.IntFlag{Name: "max-items", Value: server.DefaultMaxItems, EnvVars: []string{"ML_API_MAX_ITEMS"}, Usage: "answer 422 to more than `N` transactions"},
			&cli.Int64Flag{Name: "max-in-flight", Value: server.DefaultMaxInFlight, EnvVars: []string{"ML_API_MAX_IN_FLIGHT"}, Usage: "hold so many `BYTES` of bodies at once, and answer 429 beyond"},
			&cli.StringFlag{Name: "token-file", EnvVars: []string{"ML_API_SERVER_TOKEN_FILE"}, Usage: "want a bearer token that stands in `FILE`, one a line; read again when it changes"},
			&cli.StringFlag{Name: "tls-cert", EnvVars: []string{"ML_API_TLS_CERT"}, Usage: "serve TLS with the certificate in `FILE`, in PEM"},
			&cli.StringFlag{Name: "tls-key", EnvVars: []string{"ML_API_TLS_KEY"}, Usage: "the certificate's key, in `FILE`"},
			&cli.DurationFlag{Name: "shutdown-limit", Value: server.DefaultShutdownLimit, EnvVars: []string{"ML_API_SHUTDOWN_LIMIT"}, Usage: "give requests in flight so much `TIME` at the end"},
			&cli.DurationFlag{Name: "latency", EnvVars: []string{"ML_API_LATENCY"}, Usage: "practice: wait `TIME` before each answer"},
			&cli.DurationFlag{Name: "jitter", EnvVars: []string{"ML_API_JITTER"}, Usage: "practice: wait up to `TIME` more"},
			&cli.Float64Flag{Name: "error-rate", EnvVars: []string{"ML_API_ERROR_RATE"}, Usage: "practice: answer this `SHARE` of requests 500"},
			&cli.Float64Flag{Name: "throttle-rate", EnvVars: []string{"ML_API_THROTTLE_RATE"}, Usage: "practice: answer this `SHARE` of requests 429"},
			&cli.DurationFlag{Name: "retry-after", Value: server.DefaultRetryAfter, EnvVars: []string{"ML_API_RETRY_AFTER"}, Usage: "what a 429 asks the caller to wait, `TIME` in whole seconds"},
			&cli.Float64Flag{Name: "short-rate", EnvVars: []string{"ML_API_SHORT_RATE"}, Usage: "practice: leave the last item out of this `SHARE` of answers"},
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: []string{"ML_API_SEED"}, Usage: "practice: another `SEED` makes other faults"},
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
		return fault.WithHint(fault.Fail(fault.ExitUsage, err), "--token-file (ML_API_SERVER_TOKEN_FILE) names a file with a token a line")
	}
	categories, err := batchcmd.Categories(c)
	if err != nil {
		return err
	}
	s, err := server.New(server.Config{Categories: categories,
		MaxInFlight: c.Int64("max-in-flight"), Tokens: tokens, CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"),
		Addr: c.String("addr"), ModelVersion: c.String("model-version"), Rotate: c.Int("rotate"), MaxBodyBytes: c.Int64("max-body"),
		MaxItems: c.Int("max-items"), ShutdownLimit: c.Duration("shutdown-limit"), TracerProvider: rt.TracerProvider, Propagator: rt.Propagator, Logger: rt.Log,
		Practice: server.Practice{Latency: c.Duration("latency"), Jitter: c.Duration("jitter"), ErrorRate: c.Float64("error-rate"),
			ThrottleRate: c.Float64("throttle-rate"), RetryAfter: c.Duration("retry-after"), ShortRate: c.Float64("short-rate"), Seed: c.Uint64("seed")},
	})
	if err != nil {
		return err
	}
	return s.ListenAndServe(c.Context)
}
