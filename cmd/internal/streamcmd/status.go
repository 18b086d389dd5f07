package streamcmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/logging"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/analytics"
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

// A terminal of 80 columns and 24 lines shows all groups, and the partitions with the greatest lag.
const (
	screenColumns    = 80
	screenPartitions = 15 // less a line a group: with the headings, and a line about a stalled reader
)

// showStatus prints the groups and their partitions, lag first, and the publisher's status if there is one; on a live
// screen only as much as fits.
func showStatus(out io.Writer, before, now []status.Look, stalled map[string]string, published *status.Status, asJSON,
	live bool) error {
	groups := table.New("lag", "delay", "read/s", "new/s", "members", "group").AlignRight("lag", "delay", "read/s",
		"new/s", "members")
	partitions := table.New("lag", "delay", "committed", "end", "part.", "topic", "owner").AlignRight("lag", "delay",
		"committed", "end", "part.")
	type line struct {
		lag   int64
		cells []string
	}
	var lines []line
	shown := 0
	for i := range now {
		if len(now[i].Partitions) == 0 {
			continue
		}
		shown++
		s := status.Of(before[i], now[i])
		s.Stalled = stalled[s.Group]
		if asJSON {
			if err := json.NewEncoder(out).Encode(s); err != nil {
				return err
			}
			continue
		}
		name := s.Group
		if s.State != "Stable" {
			name += " (" + s.State + ")"
		}
		groups.Add(display.Thousands(s.Lag), seconds(s.Delay), display.Thousands(int64(s.Consumed)),
			display.Thousands(int64(s.Produced)), fmt.Sprint(s.Members), name)
		for _, p := range s.Partitions {
			committed, delay := "-", 0.
			if p.Committed >= 0 {
				committed = display.Thousands(p.Committed)
			}
			if !p.Oldest.IsZero() {
				delay = max(now[i].At.Sub(p.Oldest).Seconds(), 0) // the clocks may differ
			}
			lines = append(lines, line{p.Lag(), []string{display.Thousands(p.Lag()), seconds(delay), committed,
				display.Thousands(p.End),
				fmt.Sprint(p.Number), s.Topic, p.Owner}})
		}
	}
	if published != nil {
		shown++
		if asJSON {
			return json.NewEncoder(out).Encode(published)
		}
		name := published.Group
		if published.State != string(analytics.UpToDate) {
			name += " (" + published.State + ")"
		}
		groups.Add(display.Thousands(published.Lag), seconds(published.Delay), "-", "-", "-", name)
	}
	if !asJSON {
		if live {
			groups.Columns, partitions.Columns = screenColumns, screenColumns
		}
		groups.Print(out)
		why := make([]string, 0, len(now)+1)
		for i := range now {
			why = append(why, stalled[now[i].Group])
		}
		if published != nil {
			why = append(why, published.Stalled)
		}
		for _, text := range why {
			if text != "" { // a screen has the start of it, and doctor all
				_, _ = fmt.Fprintln(out, table.Cut("stalled: "+table.Plain(text), groups.Columns))
			}
		}
		_, _ = fmt.Fprintln(out)
		all := len(lines)
		slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(b.lag, a.lag) })
		if live {
			lines = lines[:min(all, screenPartitions-shown)]
		}
		for _, l := range lines {
			partitions.Add(l.cells...)
		}
		partitions.Print(out)
		if len(lines) < all {
			_, _ = fmt.Fprintf(out, "%d of %d partitions, those with the greatest lag; --once shows all\n", len(lines), all)
		}
	}
	return nil
}

// seconds writes a time that messages wait; none waits at 0.
func seconds(s float64) string {
	if s == 0 {
		return "-"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}
