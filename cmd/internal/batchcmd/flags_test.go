package batchcmd

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
)

// The tests of this file are not parallel: a flag of the command line keeps its last value.

// with runs work as a command with these flags would be.
func with(t *testing.T, flags []cli.Flag, args []string, work func(*cli.Context) error) error {
	t.Helper()
	app := &cli.App{Writer: io.Discard, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{{Name: "x", Flags: flags, Action: work}}}
	return app.Run(append([]string{"txflow", "x"}, args...))
}

// TestSourceOptions reads how a file is written: marks that contradict each other are refused, and one of the two says
// what the other must be.
func TestSourceOptions(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for args, want := range map[string]struct {
		delimiter, decimal, thousands byte
		refused                       string
	}{
		"":                                {0, 0, 0, ""},
		"--delimiter tab":                 {'\t', 0, 0, ""},
		`--delimiter \t`:                  {'\t', 0, 0, ""},
		"--thousands .":                   {0, ',', '.', ""},
		"--thousands ,":                   {0, '.', ',', ""},
		"--thousands '":                   {0, 0, '\'', ""},
		"--decimal , --thousands .":       {0, ',', '.', ""},
		"--decimal . --thousands .":       {0, 0, 0, "are both"},
		"--decimal ;":                     {0, 0, 0, "--decimal"},
		"--delimiter ,,":                  {0, 0, 0, "--delimiter"},
		"--thousands _":                   {0, 0, 0, "--thousands"},
		"--latest 9999-12-31 --decimal ,": {0, ',', 0, ""},
	} {
		err := with(t, append(Flags(SourceFlags), SourceNameFlag("", "")), strings.Fields(args), func(c *cli.Context) error {
			opt, err := SourceOptions(c, now)
			if err != nil {
				return err
			}
			if opt.Dialect.Delimiter != want.delimiter || opt.Dialect.DecimalPoint != want.decimal ||
				opt.Rules.Thousands != want.thousands || opt.Rules.Latest.Year() > 9999 || opt.MaxRecord <= 0 {
				t.Errorf("%s: %+v", args, opt)
			}
			return nil
		})
		if (err == nil) != (want.refused == "") || err != nil && (fault.ExitCode(err) != fault.ExitUsage ||
			!strings.Contains(err.Error(), want.refused)) {
			t.Errorf("%s: exit %d, %v", args, fault.ExitCode(err), err)
		}
	}
}

// TestCheckNamesTheFlag that is out of its bounds, of those that the command has.
func TestCheckNamesTheFlag(t *testing.T) {
	flags := Flags(MLFlags, ClickHouseFlags, TaskFlags)
	for arg, name := range map[string]string{"--ml-outage=-1s": "--ml-outage",
		"--clickhouse-outage=8761h": "--clickhouse-outage",
		"--call-timeout=0s":         "--call-timeout", "--max-refused=NaN": "--max-refused",
		"--max-refused=1.1": "--max-refused",
		"--try=0":           "--try", "--try=65536": "--try", "--try=65535": ""} {
		err := with(t, flags, []string{arg}, func(c *cli.Context) error { return Check(c) })
		if (err == nil) != (name == "") || err != nil && (fault.ExitCode(err) != fault.ExitUsage ||
			!strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if err := with(t, nil, nil, func(c *cli.Context) error { return Check(c) }); err != nil {
		t.Errorf("a command without these flags: %v", err)
	}
}

// TestRunFolder takes a run's folder, or a file in it, also one in an object store.
func TestRunFolder(t *testing.T) {
	for arg, want := range map[string][2]string{"out/r/": {"out/r", ""}, "out/r": {"out/r", ""},
		"out/r/chunks.json":          {"out/r", "out/r/chunks.json"},
		"s3://b/r/chunks.json?x=.y":  {"s3://b/r?x=.y", "s3://b/r/chunks.json?x=.y"},
		"--chunks=out/q/chunks.json": {"out/q", "out/q/chunks.json"}} {
		err := with(t, chunkFlags, []string{arg}, func(c *cli.Context) error {
			layout, url, err := runFolder(c, "chunks")
			if layout.Root != want[0] || url != want[1] {
				t.Errorf("%s: %q, %q", arg, layout.Root, url)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", arg, err)
		}
	}
	err := with(t, chunkFlags, nil, func(c *cli.Context) error { _, _, err := runFolder(c, "chunks"); return err })
	if fault.ExitCode(err) != fault.ExitUsage || !strings.Contains(fault.Hint(err), "txflow x out/RUN_ID") {
		t.Errorf("of no run: %v (%s)", err, fault.Hint(err))
	}
}

// TestCommandsAreTheSame only where all is that changes what a run stores.
func TestCommandsAreTheSame(t *testing.T) {
	flags := Flags(RunFlags, SourceFlags, SplitFlags, MLFlags, ClickHouseFlags)
	of := func(bytes int64, args ...string) (at string) {
		t.Helper()
		err := with(t, flags, append(args, "--out", "o"), func(c *cli.Context) (err error) {
			at, err = commandAt(c, []input{{SourceFile: batch.SourceFile{URL: "a.csv", Bytes: bytes}}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	same := of(5)
	if of(5, "--concurrency", "3", "--workers", "2") != same || !strings.HasPrefix(same, "o/.commands/") {
		t.Errorf("how fast a command is makes it another one: %s", same)
	}
	for name, other := range map[string]string{"a file of another size": of(6), "another source": of(5, "--source", "x"),
		"another limit": of(5, "--max-text", "7")} {
		if other == same {
			t.Errorf("%s is the same command", name)
		}
	}
}

// TestRunIDs sort by time, and no two of one second are the same.
func TestRunIDs(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 7200))
	first, second, later := NewRunID(now), NewRunID(now), NewRunID(now.Add(time.Second))
	if first == second || first > later || !strings.HasPrefix(first, "20260102T010405Z-") ||
		batch.CheckRunID(first) != nil {
		t.Errorf("%s, %s, %s", first, second, later)
	}
}
