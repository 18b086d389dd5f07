package streamcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/logging"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
)

func streamStatusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show lag, rate and delay of classify, of refine and of ClickHouse's readers",
		Flags: batchcmd.Flags([]cli.Flag{kafkaflags.Group, kafkaflags.GroupOfRefine,
			&cli.BoolFlag{Name: "once", EnvVars: []string{"TXFLOW_STATUS_ONCE"}, Usage: "print once, also on a terminal"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_STATUS_JSON"}, Usage: "one JSON object per group and line"},
			&cli.DurationFlag{Name: "every", Value: time.Second, EnvVars: []string{"TXFLOW_STATUS_EVERY"},
				Usage: "`TIME` between two samples"},
			readers.StalledFlag,
			&cli.StringFlag{Name: "watch-addr", EnvVars: []string{"TXFLOW_STATUS_WATCH_ADDR"},
				Usage: "print nothing, and serve /readyz and /metrics about ClickHouse's Kafka tables at `HOST:PORT`"},
		}, kafkaflags.Flags, batchcmd.ClickHouseFlags),
		Description: `On a terminal it goes on until Ctrl-C. Exits 69 when Kafka does not answer. Where ClickHouse
answers, too, it says which of its Kafka tables does not progress although messages wait, and
ClickHouse's last exception, and, as "events publish", how many events are not in the roll-ups
of events.analytics yet. With --watch-addr the metric txflow_clickhouse_reader_stalled says the
first, for an alert.

   txflow stream status
   txflow stream status --once --kafka-brokers kafka:9092
   txflow stream status --json | jq 'select(.lag > 0) | [.group, .lag, .delay_seconds]'
   txflow stream status --watch-addr 127.0.0.1:9465`,
		Action: app.Action(runStatus),
	}
}

func runStatus(c *cli.Context, rt *app.Runtime) error {
	cfg, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, app.DurationErr(c, "every", 10*time.Millisecond, time.Hour)); err != nil {
		return err
	}
	kafkaStatus, err := kafka.OpenStatus(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = kafkaStatus.Close() }() // it only read
	if err := app.Positive(c, readers.StalledFlag.Name); err != nil {
		return err
	}
	db, err := store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), Log: rt.Log})
	if err != nil {
		return err
	}
	defer db.Close()
	if c.String("watch-addr") != "" {
		return watchReaders(c, rt, kafkaStatus, db)
	}
	if err := cfg.Reach(c.Context); err != nil {
		return err
	}
	groups := [][2]string{{c.String("group"), topics.Raw}}
	for _, r := range readers.All {
		groups = append(groups, [2]string{r.Group, r.Topic})
	}
	groups = append(groups, [2]string{c.String("refine-group"), events.Raw})
	before, err := readers.Look(c.Context, kafkaStatus, groups)
	if err != nil {
		return err
	}
	live := logging.IsTerminal(rt.Stdout) && !c.Bool("once")
	var published rollups
	for {
		select {
		case <-c.Context.Done():
			return nil // it was asked to end
		case <-time.After(c.Duration("every")):
		}
		now, err := readers.Look(c.Context, kafkaStatus, groups)
		if err != nil && live && c.Context.Err() == nil {
			_, _ = fmt.Fprintf(rt.Stderr, "trying again: %v\nnext: %s\n", err, fault.Hint(err))
			continue
		}
		if err != nil {
			return err
		}
		if live && !c.Bool("json") {
			_, _ = fmt.Fprint(rt.Stdout, "\x1b[H\x1b[J") // from the top, over the former picture
		}
		if err := showStatus(rt.Stdout, before, now, stalledReaders(c, rt, db, before, now),
			published.look(c, rt, kafkaStatus, db), c.Bool("json"), live); err != nil || !live {
			return err
		}
		before = now
	}
}

// askClickHouse bounds how long ClickHouse is asked.
const askClickHouse = 5 * time.Second

// stalledReaders says of each group that is one of ClickHouse's why it does not progress; "" where it does, or
// ClickHouse does not answer.
func stalledReaders(c *cli.Context, rt *app.Runtime, db *store.Store, before, now []status.Look) map[string]string {
	ctx, cancel := context.WithTimeout(c.Context, askClickHouse)
	defer cancel()
	stalled, err := readers.Stalled(ctx, db, c.Duration(readers.StalledFlag.Name), before, now)
	if err != nil {
		rt.Log.DebugContext(c.Context, "ClickHouse does not say how its Kafka tables do", "error", err.Error())
	}
	return stalled
}
