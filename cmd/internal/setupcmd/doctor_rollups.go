package setupcmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/kafka"
)

// checkRollups looks whether roll-ups of events are published. It says nothing where there are no events, or where
// ClickHouse or Kafka is missing, which other checks say.
func checkRollups(c *cli.Context, rt *app.Runtime) []check {
	const name = "roll-ups"
	db, err := store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), Log: rt.Log})
	if err != nil {
		return nil
	}
	defer db.Close()
	cfg, err := kafkaflags.Config(c, rt)
	if err != nil {
		return nil
	}
	at, err := kafka.OpenStatus(cfg)
	if err != nil {
		return nil
	}
	defer func() { _ = at.Close() }() // it only read
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	r, err := readers.LookAtRollups(ctx, at, db)
	if err != nil || r.State == analytics.NoEvents {
		return nil
	}
	found := check{Name: name, OK: r.State == analytics.UpToDate, Detail: r.Text}
	switch r.State {
	case analytics.Never:
		found.Neutral, found.Next = true, "txflow events publish; only those who read that topic need it"
	case analytics.OutOfDate:
		found.Next = analytics.Next
	}
	return []check{found}
}
