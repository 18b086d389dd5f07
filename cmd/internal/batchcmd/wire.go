package batchcmd

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// Client makes the ML API's client from the flags of MLFlags.
func Client(c *cli.Context, rt *app.Runtime) (*client.Client, error) {
	cfg, err := ClientConfig(c, rt)
	if err != nil {
		return nil, err
	}
	if cfg.OutageLimit = c.Duration("ml-outage"); cfg.OutageLimit == 0 {
		cfg.OutageLimit = -1 // the client's zero is its default
	}
	return client.New(cfg)
}

// ClientConfig is what the flags of MLFlags say, but for how long an outage is waited for.
func ClientConfig(c *cli.Context, rt *app.Runtime) (client.Config, error) {
	if err := Check(c); err != nil {
		return client.Config{}, err
	}
	cfg, err := MLAddress(c, rt)
	cfg.ExpectModel, cfg.CallTimeout, cfg.MaxConcurrency = c.String("expect-model"), c.Duration("call-timeout"),
		max(c.Int("concurrency"), 1)
	cfg.Refusals = prediction.NewRefusals(c.Float64("max-refused"))
	return cfg, err
}

// MLAddress is what the flags of MLAddressFlags say.
func MLAddress(c *cli.Context, rt *app.Runtime) (client.Config, error) {
	tokens, err := secret.NewTokens(os.Getenv("ML_API_TOKEN"), c.String("ml-token-file"))
	if err != nil {
		return client.Config{}, fault.WithHint(fault.Failf(fault.ExitUsage, "the token for the ML API: %w", err),
			"see --ml-token-file (ML_API_TOKEN_FILE) and ML_API_TOKEN")
	}
	categories, err := Categories(c)
	if err != nil {
		return client.Config{}, err
	}
	return client.Config{URL: secret.NewURL(c.String("ml-url")), Categories: categories, Tokens: tokens,
		CAFile: c.String("ml-ca-file"), TracerProvider: rt.TracerProvider, Propagator: rt.Propagator, Logger: rt.Log}, nil
}

// Categories reads --categories.
func Categories(c *cli.Context) (*transaction.Categories, error) {
	text := c.String("categories")
	if text == "" {
		return transaction.DefaultCategories, nil
	}
	names := strings.Split(text, ",")
	if path, ok := strings.CutPrefix(text, "@"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Failf(fault.ExitUsage, "--categories: %w", err)
		}
		names = strings.Split(strings.TrimSpace(string(content)), "\n")
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	categories, err := transaction.NewCategories(names)
	if err != nil {
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "--categories: %w", err),
			"give names separated by commas, or @FILE with one a line (TXFLOW_CATEGORIES)")
	}
	return categories, nil
}

// APIKey asks the API for its model: the recorded answers are keyed by both.
func APIKey(ctx context.Context, c *cli.Context, api *client.Client) (string, error) {
	model, err := api.Model(ctx)
	url := secret.NewURL(c.String("ml-url"))
	return classify.APIKey(url.String(), model), err
}

// ValidateConfig reads the flags of SourceFlags, and checks those of RunFlags.
func ValidateConfig(c *cli.Context, now time.Time) (validate.Config, error) {
	if _, err := wish(c, now); err != nil {
		return validate.Config{}, err
	}
	opt, err := SourceOptions(c, now)
	return validate.Config{Options: opt, MaxRejectRatio: c.Float64("max-reject-ratio"), TempDir: c.String("temp-dir"),
		Workers: Workers(c)}, err
}

// SplitConfig reads the flags of SplitFlags.
func SplitConfig(c *cli.Context) split.Config {
	return split.Config{MaxChunks: c.Int("max-chunks"), MinRows: c.Int("min-rows"), SegmentRows: c.Int("segment-rows")}
}

// ClassifyConfig reads the flags of MLFlags.
func ClassifyConfig(c *cli.Context) classify.Config {
	return classify.Config{Index: c.Int("index"), BatchRows: c.Int("batch-rows"), Concurrency: c.Int("concurrency")}
}

// LoadConfig reads the flags of LoadFlags.
func LoadConfig(c *cli.Context) load.Config {
	return load.Config{Index: c.Int("index"), BlockRows: c.Int("block-rows"), Inserts: load.DefaultInserts}
}

// ReconcileConfig reads the flags of ReconcileFlags.
func ReconcileConfig(c *cli.Context) reconcile.Config {
	return reconcile.Config{Pipeline: load.Pipeline, Workers: Workers(c), Limit: c.Int("findings")}
}

// Store opens ClickHouse from the flags of ClickHouseFlags.
func Store(c *cli.Context, rt *app.Runtime) (*store.Store, error) {
	return store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")),
		OutageLimit: c.Duration("clickhouse-outage"), Log: rt.Log})
}

// StoreNow is Store for commands that show what is stored: they wait for ClickHouse only where --clickhouse-outage asks
// it.
func StoreNow(c *cli.Context, rt *app.Runtime) (*store.Store, error) {
	cfg := store.Config{URL: secret.NewURL(c.String("clickhouse-url")), OutageLimit: -1, Log: rt.Log}
	if c.IsSet("clickhouse-outage") {
		cfg.OutageLimit = c.Duration("clickhouse-outage")
	}
	return store.Open(cfg)
}
