package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/progress"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name: "report", Category: "Questions", Usage: "category totals from ClickHouse, exact",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "by", Value: "category", EnvVars: []string{"TXFLOW_REPORT_BY"}, Usage: "category, month, day, merchant or side"},
			batchcmd.SourceNameFlag("TXFLOW_REPORT_SOURCE", "only rows of the source `NAME`"),
			&cli.StringFlag{Name: "category", EnvVars: []string{"TXFLOW_REPORT_CATEGORY"}, Usage: "only rows of category `NAME`"},
			&cli.TimestampFlag{Name: "from", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_REPORT_FROM"}, Usage: "only rows of `DATE` or later"},
			&cli.TimestampFlag{Name: "to", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_REPORT_TO"}, Usage: "only rows up to `DATE`, which is included"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_REPORT_JSON"}, Usage: "one JSON object a line; sums are strings, so that they stay exact"},
			&cli.BoolFlag{Name: "csv", EnvVars: []string{"TXFLOW_REPORT_CSV"}, Usage: "CSV with a header; text that a spreadsheet would run as a formula gets an apostrophe before it"},
		}, batchcmd.ClickHouseFlags),
		Description: `
   txflow report
   txflow report --by month --from 2024-01-01 --to 2024-06-30
   txflow report --by merchant --source demo --csv > merchants.csv
   txflow report --json | jq -r 'select(.category == "Rent") | .debit'`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			q := store.ReportQuery{By: c.String("by"), Category: c.String("category")}
			if c.IsSet("source") {
				s := c.String("source")
				q.Source = &s
			}
			if t := c.Timestamp("from"); t != nil {
				q.From = *t
			}
			if t := c.Timestamp("to"); t != nil {
				q.To = t.AddDate(0, 0, 1)
			}
			if c.Bool("json") && c.Bool("csv") {
				return fault.Failf(fault.ExitUsage, "either --json or --csv")
			}
			db, err := batchcmd.StoreNow(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			rows, err := db.Report(c.Context, q)
			if err != nil {
				return err
			}
			switch {
			case c.Bool("json"):
				return reportJSON(rt.Stdout, q.By, rows)
			case c.Bool("csv"):
				return reportCSV(rt.Stdout, q.By, rows)
			case len(rows) == 0:
				_, _ = fmt.Fprintln(rt.Stderr, "no transactions match")
			default:
				reportTable(rt.Stdout, q.By, rows)
			}
			return nil
		}),
	}
}

func reportHeader(by string) (header []string) {
	for _, k := range store.ReportKeys[by] {
		header = append(header, k.Name)
	}
	return append(header, "transactions", "debit", "credit", "net")
}

func reportJSON(w io.Writer, by string, rows []store.ReportRow) error {
	out := json.NewEncoder(w)
	for _, r := range rows {
		object := map[string]any{"transactions": r.Transactions, "debit": r.Debit, "credit": r.Credit, "net": r.Net}
		for i, k := range store.ReportKeys[by] {
			object[k.Name] = r.Keys[i]
		}
		if err := out.Encode(object); err != nil {
			return err
		}
	}
	return nil
}

func reportCSV(w io.Writer, by string, rows []store.ReportRow) error {
	out := csv.NewWriter(w)
	if err := out.Write(reportHeader(by)); err != nil {
		return err
	}
	for _, r := range rows {
		keys := make([]string, len(r.Keys))
		for i, key := range r.Keys {
			keys[i] = notFormula(key)
		}
		if err := out.Write(append(keys, strconv.FormatUint(r.Transactions, 10), r.Debit, r.Credit, r.Net)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// notFormula puts an apostrophe before text that a spreadsheet would run: merchants name themselves. JSON has it exactly.
func notFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

func reportTable(w io.Writer, by string, rows []store.ReportRow) {
	t := newTable(reportHeader(by)...).alignRight("transactions", "debit", "credit", "net")
	for _, r := range rows {
		keys := append([]string{}, r.Keys...)
		if by == "merchant" && keys[0] == "" {
			keys[0] = "(none)"
		}
		t.add(append(keys, progress.Thousands(int64(r.Transactions)), r.Debit, r.Credit, r.Net)...) //nolint:gosec // a count
	}
	t.print(w)
}
