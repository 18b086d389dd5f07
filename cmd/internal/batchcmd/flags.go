// Package batchcmd are the batch tasks as commands, for people (txflow) and for task images (txflow-task).
package batchcmd

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/split"
)

// Flags are grouped by what they are about; every one has an environment variable.
var (
	RunFlags = []cli.Flag{
		&cli.StringFlag{Name: "out", Value: "./out", EnvVars: []string{"TXFLOW_OUT"},
			Usage: "folder or `URL` for artifacts; a run's are in OUT/RUN_ID"},
		&cli.StringFlag{Name: "run-id", EnvVars: []string{"TXFLOW_RUN_ID"},
			Usage: "`ID` of the run: a new run by default; an existing id resumes that run"},
		&cli.StringFlag{Name: "as-of", EnvVars: []string{"TXFLOW_AS_OF"},
			Usage: "`TIME` at which the files' contents were true (default: the start of the run); " +
				"stored rows with newer contents are kept"},
		SourceOfIDsFlag("TXFLOW_SOURCE",
			"`NAME` of the source system that issued the ids; part of the transaction key: always use the same name for the "+
				"same system"),
	}
	// TaskFlags are those of whatever ends with a manifest.
	TaskFlags = []cli.Flag{
		&cli.StringFlag{Name: "manifest", EnvVars: []string{"TXFLOW_MANIFEST"},
			Usage: "write the manifest to this `URL` as well"},
		&cli.IntFlag{Name: "try", Value: 1, EnvVars: []string{"TXFLOW_TRY"}, Usage: "attempt number of the task, `N` from 1",
			Action: app.CountFrom("try", 1, 1<<16-1)},
	}
	SourceFlags = []cli.Flag{
		app.Character{StringFlag: &cli.StringFlag{Name: "delimiter", EnvVars: []string{"TXFLOW_DELIMITER"},
			Usage: "`CHAR` between fields; detected by default"}},
		&cli.StringFlag{Name: "decimal", EnvVars: []string{"TXFLOW_DECIMAL"},
			Usage: "decimal mark `CHAR`, point or comma; detected by default"},
		app.Character{StringFlag: &cli.StringFlag{Name: "thousands", EnvVars: []string{"TXFLOW_THOUSANDS"},
			Usage: "accept `CHAR` between groups of three digits: point, comma, ' or a space (a no-break space, too); " +
				"none by default"}},
		&cli.TimestampFlag{Name: "earliest", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_EARLIEST"},
			Usage: "reject timestamps before this `DATE` (default: 2000-01-01)"},
		&cli.TimestampFlag{Name: "latest", Layout: time.DateOnly, EnvVars: []string{"TXFLOW_LATEST"},
			Usage: "reject timestamps after this `DATE` (default: tomorrow)"},
		&cli.IntFlag{Name: "max-text", Value: 64 << 10, EnvVars: []string{"TXFLOW_MAX_TEXT"},
			Usage: "maximum length of description and merchant, in `BYTES`"},
		&cli.IntFlag{Name: "max-record", Value: source.DefaultMaxRecord, EnvVars: []string{"TXFLOW_MAX_RECORD"},
			Usage: "maximum length of a row, in `BYTES`; a longer one fails the file"},
		&cli.Float64Flag{Name: "max-reject-ratio", Value: 0.1, EnvVars: []string{"TXFLOW_MAX_REJECT_RATIO"},
			Usage: "maximum `RATIO` of rejected rows, 0 to 1; more fail the run with exit code 65"},
		&cli.StringFlag{Name: "temp-dir", EnvVars: []string{"TXFLOW_TEMP_DIR"},
			Usage: "`FOLDER` for temporary files, 40 bytes per row (default: the system's)"},
		workersFlag,
	}
	workersFlag = &cli.IntFlag{Name: "workers", EnvVars: []string{"TXFLOW_WORKERS"},
		Usage: "`N` parallel workers; 0 = one per CPU core"}
	SplitFlags = []cli.Flag{
		&cli.IntFlag{Name: "max-chunks", Value: split.DefaultMaxChunks, EnvVars: []string{"TXFLOW_MAX_CHUNKS"},
			Usage: "split into at most `N` chunks, over all files together"},
		&cli.IntFlag{Name: "min-rows", Value: split.DefaultMinRows, EnvVars: []string{"TXFLOW_MIN_ROWS"},
			Usage: "minimum `N` rows of a chunk, where there are enough"},
		&cli.IntFlag{Name: "segment-rows", Value: split.DefaultSegmentRows, EnvVars: []string{"TXFLOW_SEGMENT_ROWS"},
			Usage: "store predictions in segments of `N` rows"},
	}
	chunkFlags = []cli.Flag{
		&cli.StringFlag{Name: "chunks", EnvVars: []string{"TXFLOW_CHUNKS"}, Usage: "`URL` of the index that split wrote"},
		&cli.IntFlag{Name: "index", Value: -1, EnvVars: []string{"TXFLOW_INDEX"},
			Usage: "process only chunk `N`, counted from 0; -1 = all chunks"},
	}
	// MLAddressFlags say where the ML API is and how it lets one in. A token has no flag, since command lines are seen by
	// all.
	MLAddressFlags = []cli.Flag{
		&cli.StringFlag{Name: "ml-url", Value: "http://127.0.0.1:8000", EnvVars: []string{"ML_API_URL"},
			Usage: "`URL` of the ML API"},
		&cli.StringFlag{Name: "ml-token-file", EnvVars: []string{"ML_API_TOKEN_FILE"},
			Usage: "`FILE` with the bearer token for the ML API, reloaded when it changes; alternatively, set ML_API_TOKEN"},
		&cli.StringFlag{Name: "ml-ca-file", EnvVars: []string{"ML_API_CA_FILE"},
			Usage: "`FILE` with additional CA certificates (PEM) for the ML API"},
	}
	CategoriesFlag = &cli.StringFlag{Name: "categories", EnvVars: []string{"TXFLOW_CATEGORIES"},
		Usage: "categories of the ML API, in its order: `NAMES` separated by commas, or @FILE with one per line (default: " +
			"the 15 of the bundled API)"}
	MLFlags = append(slices.Clone(MLAddressFlags), CategoriesFlag,
		&cli.IntFlag{Name: "batch-rows", Value: classify.DefaultBatchRows, EnvVars: []string{"TXFLOW_BATCH_ROWS"},
			Usage: "`N` transactions per request to the ML API"},
		&cli.IntFlag{Name: "concurrency", Value: classify.DefaultConcurrency, EnvVars: []string{"TXFLOW_CONCURRENCY"},
			Usage: "maximum `N` concurrent requests"},
		&cli.StringFlag{Name: "expect-model", EnvVars: []string{"TXFLOW_EXPECT_MODEL"},
			Usage: "fail unless the model's version is `VERSION`"},
		&cli.DurationFlag{Name: "call-timeout", Value: 30 * time.Second, EnvVars: []string{"TXFLOW_CALL_TIMEOUT"},
			Usage: "`TIME` limit of one request; then it is retried"},
		&cli.DurationFlag{Name: "ml-outage", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_ML_OUTAGE"},
			Usage: "retry for `TIME` while the ML API is unavailable, then exit 75"},
		MaxRefusedFlag,
	)
	MaxRefusedFlag = &cli.Float64Flag{Name: "max-refused", Value: prediction.DefaultMaxRefused,
		EnvVars: []string{"TXFLOW_MAX_REFUSED"},
		Usage:   "maximum `RATIO` of refused rows among the last 100; more count as an outage of the ML API; 1 = no limit"}
	ClickHouseFlags = []cli.Flag{
		&cli.StringFlag{Name: "clickhouse-url", Value: "http://127.0.0.1:8123", EnvVars: []string{"CLICKHOUSE_URL"},
			Usage: "`URL` of ClickHouse: http://, https:// or clickhouse://, with ?database="},
		&cli.DurationFlag{Name: "clickhouse-outage", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_CLICKHOUSE_OUTAGE"},
			Action: app.TimeFrom("clickhouse-outage", 0),
			Usage:  "retry for `TIME` while ClickHouse is unavailable, then exit 75"},
	}
	historyFlags = []cli.Flag{
		&cli.StringFlag{Name: "clickhouse-url", EnvVars: []string{"CLICKHOUSE_URL"},
			Usage: "`URL` of ClickHouse for recording this attempt; if unset, load records it later"},
	}
	LoadFlags = []cli.Flag{
		&cli.IntFlag{Name: "block-rows", Value: load.DefaultBlockRows, EnvVars: []string{"TXFLOW_BLOCK_ROWS"},
			Usage: "insert blocks of `N` rows"},
	}
	ReconcileFlags = []cli.Flag{
		&cli.IntFlag{Name: "findings", Value: reconcile.DefaultLimit, EnvVars: []string{"TXFLOW_FINDINGS"},
			Usage: "show the first `N` mismatches of each kind"},
	}
)

// SourceNameFlag is --source of a command, which may be set by env too. Wherever it stands, a name that no source can
// have ends the command with exit code 64 before it reads or contacts anything.
func SourceNameFlag(env, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: "source", EnvVars: []string{env}, Usage: usage,
		Action: func(c *cli.Context, name string) error {
			if err := transaction.ValidateSource(name); err != nil {
				return app.Usage(c, fmt.Errorf("--source: %w", err))
			}
			return nil
		}}
}

// SourceOfIDsFlag is --source where ids may be of no named system: without a name, or with an empty one.
func SourceOfIDsFlag(env, usage string) cli.Flag {
	return app.OrNone(SourceNameFlag(env, usage))
}

// Flags joins groups of flags.
func Flags(groups ...[]cli.Flag) (all []cli.Flag) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// endOfTime is the last time that JSON can say: the usual "no upper bound" is a day before year 10000.
var endOfTime = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// SourceOptions reads how files are to be read.
func SourceOptions(c *cli.Context, now time.Time) (source.Options, error) {
	opt := source.Options{MaxRecord: c.Int("max-record"), Rules: transaction.DefaultRules(now)}
	opt.Rules.Source = c.String("source")
	opt.Rules.MaxText = c.Int("max-text")
	if t := c.Timestamp("earliest"); t != nil {
		opt.Rules.Earliest = *t
	}
	if t := c.Timestamp("latest"); t != nil {
		opt.Rules.Latest = earlier(t.AddDate(0, 0, 1), endOfTime)
	}
	var err error
	if opt.Dialect.Delimiter, err = oneByte("delimiter", c.String("delimiter"), ",;\t|"); err != nil {
		return opt, err
	}
	if opt.Dialect.DecimalPoint, err = oneByte("decimal", c.String("decimal"), ".,"); err != nil {
		return opt, err
	}
	thousands, err := oneByte("thousands", c.String("thousands"), ".,' ")
	switch {
	case err != nil:
		return opt, err
	case thousands != 0 && thousands == opt.Dialect.DecimalPoint:
		return opt, fault.Failf(fault.ExitUsage, "--decimal and --thousands are both %q", string(thousands))
	case thousands == '.':
		opt.Dialect.DecimalPoint = ','
	case thousands == ',':
		opt.Dialect.DecimalPoint = '.'
	}
	opt.Rules.Thousands = thousands
	return opt, nil
}

func oneByte(flag, value, allowed string) (byte, error) {
	if value == "" {
		return 0, nil
	}
	if value == `\t` || value == "tab" {
		value = "\t"
	}
	for i := range len(allowed) {
		if value == allowed[i:i+1] {
			return value[0], nil
		}
	}
	return 0, fault.Failf(fault.ExitUsage, "--%s takes one of %q, not %q", flag, allowed, value)
}
