package mlapicmd

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/classify"
)

func mlAPICheckCommand() *cli.Command {
	return &cli.Command{
		Name: "check", ArgsUsage: "[URL]", Usage: "check an ML API against the contract, and measure it",
		Flags: batchcmd.Flags(batchcmd.MLAddressFlags, []cli.Flag{batchcmd.CategoriesFlag,
			&cli.StringFlag{Name: "expect-model", EnvVars: []string{"TXFLOW_EXPECT_MODEL"},
				Usage: "fail when another model than `VERSION` answers"},
			&cli.IntFlag{Name: "batch-rows", Value: classify.DefaultBatchRows, EnvVars: []string{"TXFLOW_BATCH_ROWS"},
				Usage: "up to `N` transactions per request"},
			&cli.IntFlag{Name: "calls", Value: 20, EnvVars: []string{"TXFLOW_CHECK_CALLS"}, Usage: "`N` requests of each size"},
			&cli.DurationFlag{Name: "call-timeout", Value: 30 * time.Second, EnvVars: []string{"TXFLOW_CALL_TIMEOUT"},
				Usage: "`TIME` limit of one request"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_CHECK_JSON"}, Usage: "one JSON object"},
		}),
		Description: `Sends generated transactions: an empty array, batches of several sizes, invalid ones. Exits 65
when something is not as the contract has it, 69 when the API can not be had. Without a URL it
is that of ML_API_URL.

   txflow ml-api check http://ml-api:8000
   txflow ml-api check --categories @categories.txt --batch-rows 1000`,
		Action: app.Action(checkMLAPIContract),
	}
}

func checkMLAPIContract(c *cli.Context, rt *app.Runtime) error {
	const most = 10_000
	err := tasks.First(tasks.Limit("--batch-rows", c.Int("batch-rows"), 1, most), tasks.Limit("--calls", c.Int("calls"), 1,
		most), batchcmd.Check(c))
	if err != nil {
		return err
	}
	cfg, err := batchcmd.MLAddress(c, rt)
	if err != nil {
		return err
	}
	if c.NArg() > 1 {
		return fault.Failf(fault.ExitUsage, "one URL at most")
	}
	if url := c.Args().First(); url != "" {
		cfg.URL = secret.NewURL(url)
	}
	cfg.OutageLimit, cfg.MaxAttempts, cfg.CallTimeout, cfg.ExpectModel = -1, 1, c.Duration("call-timeout"),
		c.String("expect-model")
	api, err := client.New(cfg)
	if err != nil {
		return err
	}
	defer api.Close()
	report, err := api.Check(c.Context, c.Int("batch-rows"), c.Int("calls"))
	if err != nil {
		if fault.ExitCode(err) == fault.ExitTryAgain { // it was asked once
			err = fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s", err.Error()), "%s", fault.Hint(err))
		}
		return err
	}
	if c.Bool("json") {
		if err := json.NewEncoder(rt.Stdout).Encode(report); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	} else {
		printCheck(rt, report)
	}
	if !report.OK() {
		return fault.WithHint(fault.Failf(fault.ExitData, "the ML API at %s does not keep to the contract", cfg.URL),
			"ml_api/openapi.yaml is the contract; GET /docs of txflow ml-api shows it")
	}
	return nil
}

func printCheck(rt *app.Runtime, report *client.Report) {
	t := table.New("what", "state", "detail").Fold("detail")
	for _, k := range report.Checks {
		state := "ok"
		if !k.OK {
			state = "wrong"
		}
		t.Add(k.Name, state, k.Detail)
	}
	t.Print(rt.Stdout)
	if len(report.Latencies) == 0 {
		return
	}
	_, _ = fmt.Fprintln(rt.Stdout)
	t = table.New("rows a call", "calls", "median", "95 %", "slowest", "rows a second")
	for _, l := range report.Latencies {
		t.Add(strconv.Itoa(l.Rows), strconv.Itoa(l.Calls), milliseconds(l.Median), milliseconds(l.P95), milliseconds(l.Most),
			fmt.Sprintf("%.0f", float64(l.Rows)/l.Median.Seconds()))
	}
	t.Print(rt.Stdout)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
