package eventscmd

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
)

func eventsReportCommand() *cli.Command {
	return &cli.Command{
		Name: "report", Usage: "number and quality of events by type, account, context, day, or rule of the score",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "by", Value: "type", EnvVars: []string{"TXFLOW_EVENTS_REPORT_BY"},
				Usage: "group by `KEY`: type, account, context, day or rule"},
			&cli.StringFlag{Name: "account", EnvVars: []string{"TXFLOW_EVENTS_REPORT_ACCOUNT"},
				Usage: "only events of the account `ID`"},
			&cli.TimestampFlag{Name: "from", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_EVENTS_REPORT_FROM"},
				Usage: "only events of `DATE` or later, by their own time"},
			&cli.TimestampFlag{Name: "to", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_EVENTS_REPORT_TO"},
				Usage: "only events up to `DATE`, which is included"},
			&cli.IntFlag{Name: "limit", Value: 200, EnvVars: []string{"TXFLOW_EVENTS_REPORT_LIMIT"},
				Usage: "show at most `N` lines of the table; 0 = all; JSON always has all"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_EVENTS_REPORT_JSON"}, Usage: "one JSON object per line"},
		}, batchcmd.ClickHouseFlags),
		Description: `Counts what is in gold now: each event once, however often it was sent or delivered. Days are in
UTC. By rule it counts the events that lost points of their score by it.

   txflow events report
   txflow events report --by account --from 2026-01-01
   txflow events report --by rule
   txflow events report --json | jq 'select(.score < "0.7000")'`,
		Action: app.Action(eventsReport),
	}
}

func eventsReport(c *cli.Context, rt *app.Runtime) error {
	q := store.EventReportQuery{By: c.String("by"), Account: c.String("account")}
	if t := c.Timestamp("from"); t != nil {
		q.From = *t
	}
	if t := c.Timestamp("to"); t != nil {
		q.To = t.AddDate(0, 0, 1)
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "--from is after --to: no day is between"), "exchange them")
	}
	if c.Int("limit") < 0 {
		return fault.Failf(fault.ExitUsage, "--limit is %d: it must be 0 or more", c.Int("limit"))
	}
	db, err := batchcmd.StoreNow(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.EventReport(c.Context, q)
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return eventReportJSON(rt.Stdout, q.By, rows)
	case len(rows) == 0:
		_, _ = fmt.Fprintln(rt.Stderr, "no events match; txflow events report without filters shows what is stored")
		return nil
	}
	if shown := ReportTable(rt.Stdout, q.By, rows, c.Int("limit")); shown < len(rows) {
		_, _ = fmt.Fprintf(rt.Stderr, "%s of %s; --limit 0 shows all\n", display.Thousands(int64(shown)),
			display.Count(len(rows), "line"))
	}
	return nil
}

func eventReportJSON(w io.Writer, by string, rows []store.EventReportRow) error {
	out := json.NewEncoder(w)
	for _, r := range rows {
		object := map[string]any{"events": r.Events, "accounts": r.Accounts, "users": r.Users, "score": r.Score,
			"excellent": r.Excellent, "good": r.Good, "fair": r.Fair, "poor": r.Poor, "late": r.Late, "future": r.Future,
			"last_published_at": time.Unix(int64(r.PublishedSeconds), 0).UTC()}
		for i, k := range store.EventReportKeys[by] {
			object[k] = r.Keys[i]
		}
		if err := out.Encode(object); err != nil {
			return err
		}
	}
	return nil
}

// ReportTable prints at most limit rows, 0 for all, and returns how many that were.
func ReportTable(w io.Writer, by string, rows []store.EventReportRow, limit int) (shown int) {
	var header []string
	header = append(header, store.EventReportKeys[by]...)
	numbers := []string{"events", "accounts", "users", "score", "excellent", "good", "fair", "poor", "late", "future"}
	t := table.New(append(header, numbers...)...).AlignRight(numbers...).Own(header...)
	for i := range rows {
		if limit > 0 && i == limit {
			break
		}
		shown++
		r := &rows[i]
		cells := append([]string{}, r.Keys...)
		for j, n := range []uint64{r.Events, r.Accounts, r.Users, r.Excellent, r.Good, r.Fair, r.Poor, r.Late, r.Future} {
			if j == 3 {
				cells = append(cells, r.Score)
			}
			cells = append(cells, display.Thousands(int64(n)))
		}
		t.Add(cells...)
	}
	t.Print(w)
	return shown
}
