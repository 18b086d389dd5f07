package setupcmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/stream/events/analytics"
)

// checkRollups looks whether roll-ups of events are published. It says nothing where there are no events, or where
// ClickHouse or Kafka is missing, which other checks say.
func checkRollups(c *cli.Context, rt *app.Runtime) []check {
	const name = "roll-ups"
	db, at, closeBoth, err := openBoth(c, rt)
	if err != nil {
		return nil
	}
	defer closeBoth()
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
