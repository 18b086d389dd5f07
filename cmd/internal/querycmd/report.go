package querycmd

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name: "report", Category: "Query results", Usage: "totals by category, month, day, merchant or side",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "by", Value: "category", EnvVars: []string{"TXFLOW_REPORT_BY"},
				Usage: "group by `KEY`: category, month, day, merchant or side"},
			&cli.StringFlag{Name: "sort", Value: "name", EnvVars: []string{"TXFLOW_REPORT_SORT"},
				Usage: "sort by `KEY`: name, count or amount (debits and credits together, without signs); the largest first"},
			batchcmd.SourceNameFlag("TXFLOW_REPORT_SOURCE", "only rows of the source `NAME`"),
			&cli.StringFlag{Name: "category", EnvVars: []string{"TXFLOW_REPORT_CATEGORY"},
				Usage: "only rows of category `NAME`"},
			&cli.TimestampFlag{Name: "from", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_REPORT_FROM"},
				Usage: "only rows of `DATE` or later"},
			&cli.TimestampFlag{Name: "to", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_REPORT_TO"},
				Usage: "only rows up to `DATE`, which is included"},
			&cli.IntFlag{Name: "limit", Value: 200, EnvVars: []string{"TXFLOW_REPORT_LIMIT"},
				Usage: "show at most `N` lines of the table; 0 = all; JSON and CSV always have all"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_REPORT_JSON"},
				Usage: "one JSON object per line; sums are strings, to stay exact"},
			&cli.BoolFlag{Name: "csv", EnvVars: []string{"TXFLOW_REPORT_CSV"},
				Usage: "CSV with a header; an apostrophe is prefixed to text that a spreadsheet would run as a formula"},
		}, batchcmd.ClickHouseFlags),
		Description: `Amounts have no currency: txflow adds up what the files say. Days and months are in UTC. Debits
are negative.

   txflow report
   txflow report --by month --from 2024-01-01 --to 2024-06-30
   txflow report --by merchant --sort amount --limit 20
   txflow report --by merchant --source demo --csv > merchants.csv
   txflow report --json | jq -r 'select(.category == "Rent") | .debit'`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			q := store.ReportQuery{By: c.String("by"), Sort: c.String("sort"), Category: c.String("category")}
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
			if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "--from is after --to: no day is between"),
					"exchange them")
			}
			if c.Int("limit") < 0 {
				return fault.Failf(fault.ExitUsage, "--limit is %d: it must be 0 or more", c.Int("limit"))
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
				_, _ = fmt.Fprintln(rt.Stderr,
					"no transactions match; txflow report without filters shows what is stored")
			default:
				if shown := ReportTable(rt.Stdout, q.By, rows, c.Int("limit")); shown < len(rows) {
					_, _ = fmt.Fprintf(rt.Stderr, "%s of %s; --limit 0 shows all\n",
						display.Thousands(int64(shown)), display.Count(len(rows), "line"))
				}
			}
			return nil
		}),
	}
}

func reportHeader(by string) (header []string) {
	header = append(header, store.ReportKeys[by]...)
	return append(header, "transactions", "debit", "credit", "net")
}

func reportJSON(w io.Writer, by string, rows []store.ReportRow) error {
	out := json.NewEncoder(w)
	for _, r := range rows {
		object := map[string]any{"transactions": r.Transactions, "debit": r.Debit, "credit": r.Credit, "net": r.Net}
		for i, k := range store.ReportKeys[by] {
			object[k] = r.Keys[i]
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
		if err := out.Write(append(keys, strconv.FormatUint(r.Transactions, 10), r.Debit, r.Credit,
			r.Net)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// notFormula puts an apostrophe before text that a spreadsheet would run: merchants name themselves. JSON has it
// exactly.
func notFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// ReportTable prints at most limit rows, 0 for all, and the total of all rows. It returns how many it printed.
func ReportTable(w io.Writer, by string, rows []store.ReportRow, limit int) (shown int) {
	header := reportHeader(by)
	if header[0] == "month" || header[0] == "day" {
		header[0] += " (UTC)"
	}
	t := table.New(header...).AlignRight("transactions", "debit", "credit", "net").Own("merchant")
	var count uint64
	var debit, credit, net big.Rat
	for _, r := range rows {
		count += r.Transactions
		addDecimal(&debit, r.Debit)
		addDecimal(&credit, r.Credit)
		addDecimal(&net, r.Net)
		if limit > 0 && shown == limit {
			continue
		}
		shown++
		keys := append([]string{}, r.Keys...)
		if by == "merchant" && keys[0] == "" {
			keys[0] = "(none)"
		}
		t.Add(append(keys, display.Thousands(int64(r.Transactions)), money(r.Debit), money(r.Credit),
			money(r.Net))...)
	}
	total := make([]string, len(header)-4)
	total[0] = "total"
	t.Add(append(total, display.Thousands(int64(count)), money(debit.FloatString(4)), money(credit.FloatString(4)),
		money(net.FloatString(4)))...)
	t.Print(w)
	return shown
}

// addDecimal adds a decimal number of ClickHouse's, which is always one.
func addDecimal(sum *big.Rat, decimal string) {
	if value, ok := new(big.Rat).SetString(decimal); ok {
		sum.Add(sum, value)
	}
}

// money is an exact sum with thousands separators and at least two decimals: -1,234.50.
func money(decimal string) string {
	sign := strings.TrimRight(decimal[:min(1, len(decimal))], "0123456789")
	whole, fraction, _ := strings.Cut(decimal[len(sign):], ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	for len(fraction) > 2 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	return sign + whole + "." + fraction
}
