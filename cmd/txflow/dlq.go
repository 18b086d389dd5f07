package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/batch"
)

// letterFlags select dead letters.
var letterFlags = []cli.Flag{
	&cli.StringFlag{Name: "reason", EnvVars: []string{"TXFLOW_DLQ_REASON"}, Usage: "only letters of this `CODE`"},
	&cli.StringFlag{Name: "id", EnvVars: []string{"TXFLOW_DLQ_ID"}, Usage: "only letters of this `ID`, as the source wrote it or the UUID"},
	&cli.StringFlag{Name: "source", EnvVars: []string{"TXFLOW_DLQ_SOURCE"}, Usage: "only letters of the source `NAME`"},
	&cli.StringFlag{Name: "pipeline", EnvVars: []string{"TXFLOW_DLQ_PIPELINE"}, Usage: "only letters of the `PIPELINE` batch or stream"},
	&cli.TimestampFlag{Name: "since", Layout: time.RFC3339, EnvVars: []string{"TXFLOW_DLQ_SINCE"}, Usage: "only letters first seen at `TIME` or later, like 2026-01-31T00:00:00Z"},
	&cli.TimestampFlag{Name: "until", Layout: time.RFC3339, EnvVars: []string{"TXFLOW_DLQ_UNTIL"}, Usage: "only letters first seen before `TIME`"},
}

var stateFlag = &cli.StringFlag{Name: "state", Value: batch.LetterOpen, EnvVars: []string{"TXFLOW_DLQ_STATE"}, Usage: "open, replayed, resolved, purged, or all"}

func letterQuery(c *cli.Context) batch.LetterQuery {
	q := batch.LetterQuery{Pipeline: c.String("pipeline"), Code: c.String("reason"), Source: c.String("source"), ID: c.String("id"), Limit: c.Int("limit")}
	if q.State = c.String("state"); q.State == "all" {
		q.State = ""
	}
	if t := c.Timestamp("since"); t != nil {
		q.Since = *t
	}
	if t := c.Timestamp("until"); t != nil {
		q.Until = *t
	}
	return q
}

func dlqCommand() *cli.Command {
	return &cli.Command{
		Name: "dlq", Category: "Stream", Usage: "dead letters: look at them, replay them, put them away",
		Subcommands: []*cli.Command{
			{
				Name: "stats", Usage: "how many, by reason",
				Flags: batchcmd.Flags(letterFlags, []cli.Flag{stateFlag}, batchcmd.ClickHouseFlags),
				Description: `
   txflow dlq stats
   txflow dlq stats --state all --pipeline stream`,
				Action: app.Action(withStore(dlqStats)),
			}, {
				Name: "list", Usage: "one a line",
				Flags: batchcmd.Flags(letterFlags, []cli.Flag{stateFlag,
					&cli.IntFlag{Name: "limit", Value: 50, EnvVars: []string{"TXFLOW_DLQ_LIMIT"}, Usage: "the first `N`; 0 for all"},
					&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_DLQ_JSON"}, Usage: "everything, one JSON object a line; raw is Base64"},
				}, batchcmd.ClickHouseFlags),
				Description: `
   txflow dlq list --reason amount_format
   txflow dlq list --json --limit 0 | jq -r '.Raw | @base64d'`,
				Action: app.Action(withStore(dlqList)),
			}, {
				Name: "show", ArgsUsage: "ORIGIN PARTITION POSITION", Usage: "one, with its message as it came",
				Flags: batchcmd.Flags([]cli.Flag{
					&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_DLQ_JSON"}, Usage: "as a JSON object; raw is Base64"},
				}, batchcmd.ClickHouseFlags),
				Description: `The first columns of txflow dlq list say which.

   txflow dlq show transactions.raw 3 1041`,
				Action: app.Action(withStore(dlqShow)),
			}, {
				Name: "replay", Usage: "send open letters of the stream back to the topic that they came from",
				Flags: batchcmd.Flags(letterFlags, []cli.Flag{
					&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_DLQ_DRY_RUN"}, Usage: "say how many would be replayed, and replay none"},
					&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_DLQ_RATE"}, Usage: "`N` letters a second; 0 for as fast as Kafka takes them"},
					&cli.IntFlag{Name: "max-replays", Value: 3, EnvVars: []string{"TXFLOW_DLQ_MAX_REPLAYS"}, Usage: "leave letters alone that came back `N` times"},
				}, batchcmd.TaskFlags, kafkaFlags, batchcmd.ClickHouseFlags),
				Description: `Mend what was wrong first: a letter that is still wrong comes back as a new one. Rejected rows of files are closed by a new
run of the mended file. Stopped in the middle, it goes on with what is still open. It ends with a manifest, as tasks do, whose
counts.in are the letters that were sent back; exit 99 says that there are none.

   txflow dlq replay --reason prediction_refused --dry-run
   txflow dlq replay --reason prediction_refused --rate 100`,
				Action: app.Action(withStore(dlqReplay)),
			}, {
				Name: "resolve", Usage: "close open letters whose id has been stored since, as each load of a file does for its source",
				Flags: batchcmd.Flags([]cli.Flag{
					&cli.StringFlag{Name: "source", EnvVars: []string{"TXFLOW_DLQ_SOURCE"}, Usage: "letters of the source `NAME`"},
				}, batchcmd.ClickHouseFlags),
				Description: `For letters of the stream whose message was sent again, mended, rather than replayed.

   txflow dlq resolve --source bank`,
				Action: app.Action(withStore(func(c *cli.Context, _ *app.Runtime, db *store.Store) error {
					return db.ResolveLetters(c.Context, c.String("source"))
				})),
			}, {
				Name: "purge", Usage: "put open letters away for good; they stay in the table, with the state purged",
				Flags: batchcmd.Flags(letterFlags, []cli.Flag{
					&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_DLQ_DRY_RUN"}, Usage: "say how many would be put away, and put none away"},
				}, batchcmd.ClickHouseFlags),
				Description: `
   txflow dlq purge --reason message_format --until 2026-01-31T00:00:00Z --dry-run`,
				Action: app.Action(withStore(dlqPurge)),
			},
		},
	}
}

func withStore(work func(*cli.Context, *app.Runtime, *store.Store) error) func(*cli.Context, *app.Runtime) error {
	return func(c *cli.Context, rt *app.Runtime) error {
		db, err := batchcmd.Store(c, rt)
		if err != nil {
			return err
		}
		defer db.Close()
		return work(c, rt, db)
	}
}

func dlqStats(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	counts, err := db.CountLetters(c.Context, letterQuery(c))
	if err != nil {
		return err
	}
	t := newTable("pipeline", "source", "reason", "column", "state", "letters", "oldest").alignRight("letters")
	total := uint64(0)
	for _, n := range counts {
		total += n.Rows
		t.add(n.Pipeline, n.Source, n.Code, n.Column, n.State, fmt.Sprint(n.Rows), n.Oldest.UTC().Format(time.RFC3339))
	}
	t.print(rt.Stdout)
	_, _ = fmt.Fprintf(rt.Stderr, "%s letters\n", progress.Thousands(int64(total))) //nolint:gosec // a count
	return nil
}

func dlqList(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	letters, err := db.Letters(c.Context, letterQuery(c))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		out := json.NewEncoder(rt.Stdout)
		for i := range letters {
			if err := out.Encode(letters[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable("origin", "partition", "position", "id", "reason", "column", "state", "replays", "first seen", "message").alignRight("partition", "position", "replays")
	for i := range letters {
		l := &letters[i]
		t.add(l.Origin.Origin, fmt.Sprint(l.Origin.Partition), fmt.Sprint(l.Origin.Position), l.SourceID, l.Code, l.Column, l.State, fmt.Sprint(l.Replays),
			l.FirstSeen.UTC().Format(time.RFC3339), firstLine(l.Message))
	}
	t.print(rt.Stdout)
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func dlqShow(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	const arguments = 3
	partition, err1 := strconv.ParseInt(c.Args().Get(1), 10, 32)
	position, err2 := strconv.ParseUint(c.Args().Get(2), 10, 64)
	if c.NArg() != arguments || err1 != nil || err2 != nil {
		return batch.WithHint(batch.Failf(batch.ExitUsage, "dlq show wants ORIGIN PARTITION POSITION"), "they are the first columns of txflow dlq list")
	}
	at := batch.Origin{Origin: c.Args().First(), Partition: int32(partition), Position: position}
	letters, err := db.Letters(c.Context, batch.LetterQuery{At: &at})
	if err != nil {
		return err
	}
	if len(letters) == 0 {
		return batch.WithHint(batch.Failf(batch.ExitData, "there is no dead letter of %s, partition %d, position %d", at.Origin, at.Partition, at.Position),
			"txflow dlq list --state all shows those that there are")
	}
	for i := range letters { // a file that changed may have several of one line
		if c.Bool("json") {
			if err := json.NewEncoder(rt.Stdout).Encode(letters[i]); err != nil {
				return err
			}
			continue
		}
		showLetter(rt.Stdout, &letters[i])
	}
	return nil
}

func showLetter(out io.Writer, l *batch.Letter) {
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(out, "%-10s  %s\n", name, value)
		}
	}
	line("origin", fmt.Sprintf("%s, partition %d, position %d", l.Origin.Origin, l.Origin.Partition, l.Origin.Position))
	line("pipeline", l.Pipeline)
	line("source", l.Source)
	line("id", l.SourceID)
	line("reason", l.Code)
	line("column", l.Column)
	line("message", l.Message)
	line("state", fmt.Sprintf("%s, replayed %d times", l.State, l.Replays))
	line("trace", l.TraceID)
	line("first seen", l.FirstSeen.UTC().Format(time.RFC3339))
	line("updated", l.UpdatedAt.UTC().Format(time.RFC3339))
	if len(l.Raw) == 0 {
		line("raw", "not kept: read it at its origin")
		return
	}
	if raw := string(l.Raw); utf8.ValidString(raw) && !strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }) {
		line("raw", raw)
	} else {
		line("raw", strconv.Quote(raw))
	}
}
