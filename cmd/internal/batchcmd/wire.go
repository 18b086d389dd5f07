package batchcmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/tasks/classify"
)

// Client makes the ML API's client from the flags of MLFlags.
func Client(c *cli.Context, rt *app.Runtime) (*client.Client, error) {
	outage := c.Duration("ml-outage")
	if outage == 0 {
		outage = -1 // the client's zero is its default
	}
	return client.New(client.Config{URL: c.String("ml-url"), TracerProvider: rt.TracerProvider, Logger: rt.Log, ExpectModel: c.String("expect-model"),
		CallTimeout: c.Duration("call-timeout"), OutageLimit: outage, MaxConcurrency: max(c.Int("concurrency"), 1)})
}

// ClassifyConfig asks the API for its model, which the recorded answers are keyed by.
func ClassifyConfig(ctx context.Context, c *cli.Context, api *client.Client) (classify.Config, error) {
	model, err := api.Model(ctx)
	return classify.Config{API: classify.APIKey(c.String("ml-url"), model), BatchRows: c.Int("batch-rows"), Concurrency: c.Int("concurrency")}, err
}

// Store opens ClickHouse from the flags of ClickHouseFlags.
func Store(c *cli.Context, rt *app.Runtime) (*store.Store, error) {
	return store.Open(store.Config{URL: c.String("clickhouse-url"), OutageLimit: c.Duration("clickhouse-outage"), Log: rt.Log})
}
