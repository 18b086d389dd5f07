// Package datacmd generates sample transactions.
package datacmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
)

// Command is txflow data.
func Command() *cli.Command {
	return &cli.Command{
		Name: "data", Category: "Get started",
		Usage: "generate sample transactions",
		Subcommands: []*cli.Command{{
			Name:  "generate",
			Usage: "write a file of transactions; the same options give the same bytes",
			Description: `In the dialect and shape of a real bank file. With --dirty, some rows are anomalous: each kind
of reject, duplicates, conflicts, hostile but valid text; --key stores the expected outcome of
each.

   txflow data generate --rows 1000000 --out big.csv
   txflow data generate --rows 10000000 --seed 7 --out s3://bucket/big.csv.zst?region=eu-west-3
   txflow data generate --rows 2000 --dirty --ratio 0.3 --out dirty.csv --key dirty.key.json
   txflow data generate --rows 100 --delimiter , --decimal . --rfc3339 | txflow validate -`,
			Flags: []cli.Flag{
				&cli.Int64Flag{Name: "rows", Aliases: []string{"n"}, Value: 10_000, Usage: "number of rows",
					EnvVars: []string{"TXFLOW_DATA_ROWS"}},
				&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of the generator", EnvVars: []string{"TXFLOW_DATA_SEED"}},
				&cli.Uint64Flag{Name: "first-id", Value: 1, Usage: "first id", EnvVars: []string{"TXFLOW_DATA_FIRST_ID"}},
				&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Value: "-",
					Usage: "file or URL, compressed when it ends in .gz or .zst; - is stdout", EnvVars: []string{"TXFLOW_DATA_OUT"}},
				&cli.BoolFlag{Name: "dirty", Usage: "make some rows anomalous", EnvVars: []string{"TXFLOW_DATA_DIRTY"}},
				&cli.Float64Flag{Name: "ratio", Value: 0.05,
					Usage: "ratio of anomalous rows, 0 to 1; about half of them are rejected", EnvVars: []string{"TXFLOW_DATA_RATIO"}},
				&cli.StringFlag{Name: "key", Usage: "file or URL for the expected outcomes, as JSON",
					EnvVars: []string{"TXFLOW_DATA_KEY"}},
				app.Character{StringFlag: &cli.StringFlag{Name: "delimiter", Value: ";", Usage: "one of ; , | or tab",
					EnvVars: []string{"TXFLOW_DATA_DELIMITER"}}},
				&cli.StringFlag{Name: "decimal", Value: ",", Usage: "decimal mark: , or .",
					EnvVars: []string{"TXFLOW_DATA_DECIMAL"}},
				&cli.BoolFlag{Name: "crlf", Usage: "use CRLF line ends", EnvVars: []string{"TXFLOW_DATA_CRLF"}},
				&cli.BoolFlag{Name: "bom", Usage: "begin with a byte order mark", EnvVars: []string{"TXFLOW_DATA_BOM"}},
				&cli.BoolFlag{Name: "rfc3339", Usage: "write timestamps as RFC 3339", EnvVars: []string{"TXFLOW_DATA_RFC3339"}},
				&cli.StringFlag{Name: "columns", Usage: "the columns in this order, separated by commas",
					EnvVars: []string{"TXFLOW_DATA_COLUMNS"}},
			},
			Action: app.Action(generateData),
		}},
	}
}

func generateData(c *cli.Context, rt *app.Runtime) error {
	if c.Args().Present() {
		return fault.Failf(fault.ExitUsage, "data generate takes no arguments, only flags: %q", c.Args().First())
	}
	if c.IsSet("ratio") && !c.Bool("dirty") {
		return fault.Failf(fault.ExitUsage, "--ratio says how dirty the rows are: it needs --dirty")
	}
	options, err := dataOptions(c)
	if err != nil {
		return fault.Fail(fault.ExitUsage, err)
	}
	options.Progress = progressLine(rt.Stderr, rt.Interactive, options.Rows)
	key, err := generateTo(c.Context, rt.Artifacts, rt.Stdout, c.String("out"), options)
	if err != nil || c.String("key") == "" {
		return err
	}
	answers, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return fault.Failf(fault.ExitFault, "encode the answers: %w", err)
	}
	_, err = batch.WriteAll(c.Context, rt.Artifacts, c.String("key"), append(answers, '\n'))
	return err
}

func dataOptions(c *cli.Context) (data.Options, error) {
	o := data.Options{Rows: c.Int64("rows"), Seed: c.Uint64("seed"), FirstID: c.Uint64("first-id")}
	if c.Bool("dirty") {
		o.Dirty = c.Float64("ratio")
	}
	o.Dialect = data.Dialect{CRLF: c.Bool("crlf"), BOM: c.Bool("bom"), RFC3339: c.Bool("rfc3339")}
	delimiter, decimal := c.String("delimiter"), c.String("decimal")
	if delimiter == "tab" || delimiter == `\t` {
		delimiter = "\t"
	}
	if len(delimiter) != 1 || len(decimal) != 1 {
		return o, fmt.Errorf("--delimiter and --decimal are one character each")
	}
	o.Dialect.Delimiter, o.Dialect.Decimal = delimiter[0], decimal[0]
	for column := range strings.SplitSeq(c.String("columns"), ",") {
		if column = strings.TrimSpace(column); column != "" {
			o.Dialect.Columns = append(o.Dialect.Columns, column)
		}
	}
	return o, o.Validate()
}

// generateTo writes to stdout, or to a file that is there as a whole or not at all.
func generateTo(ctx context.Context, store *artifact.Store, stdout io.Writer, out string, o data.Options) (data.Key,
	error) {
	if out == "-" {
		return data.Generate(ctx, stdout, o)
	}
	w, err := store.Create(ctx, out)
	if err != nil {
		return data.Key{}, err
	}
	defer w.Abort()
	packed, err := data.Compress(w, out)
	if err != nil {
		return data.Key{}, err
	}
	key, err := data.Generate(ctx, packed, o)
	if errClose := packed.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return data.Key{}, err
	}
	_, err = w.Commit(ctx)
	return key, err
}

// progressLine shows rows on stderr: a line that renews itself on a terminal, else one every five seconds.
func progressLine(stderr io.Writer, terminal bool, total int64) func(int64) {
	every, end := 5*time.Second, "\n"
	if terminal {
		every, end = 200*time.Millisecond, "\r"
	}
	start := time.Now()
	last, shown := start, false
	return func(rows int64) {
		now := time.Now()
		if now.Sub(last) < every && !(shown && rows == total) {
			return
		}
		if rows == total {
			end = "\n"
		}
		last, shown = now, true
		rate := float64(rows) / now.Sub(start).Seconds()
		_, _ = fmt.Fprintf(stderr, "generated %d of %s, %.1f million a second%s", rows,
			display.Count(total, "row"), rate/1e6, end) // stderr may be gone
	}
}
