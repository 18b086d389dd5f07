package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/fault"
)

// needed are the arguments and flags without which a command does not get as far as the flag that is tried.
var needed = map[string]string{
	"validate": "nothing.csv", "split": "out/nothing", "classify": "out/nothing", "compare": "out/nothing",
	"load": "out/nothing", "reconcile": "out/nothing", "run": "nothing.csv", "lineage": "1", "trace": "r1",
	"inbox": "--inbox in --taken taken", "health": "http://127.0.0.1:1/", "copy": "a b", "dlq show": "a 1 2",
	"dlq purge": "--all", "events show": "7d7b0c29-6a0e-5a51-9b0c-55271e0b4f63", "events forget": "--user u",
	"events archive": "--objects o", "ml-api check": "http://127.0.0.1:1", "platform": "--ui-addr=",
	"events send": "data/events.json", "stream produce": "nothing.csv",
}

// allowed are values that look like nonsense and have a meaning.
var allowed = map[string]bool{
	"compare --max-new=-1": true,                                                      // no limit
	"classify --index=-1":  true, "load --index=-1": true, "compare --index=-1": true, // all chunks
}

// nonsense is what a user may give a flag by mistake, by its type.
func nonsense(f cli.Flag) []string {
	switch f.(type) {
	case *cli.IntFlag, *cli.Int64Flag:
		return []string{"-1", "NaN", "x", "", "\t", "9223372036854775808"}
	case *cli.UintFlag, *cli.Uint64Flag:
		return []string{"-1", "NaN", "\t"}
	case *cli.Float64Flag:
		return []string{"-1", "NaN", "+Inf", "x", "\t"}
	case *cli.DurationFlag:
		return []string{"-1s", "NaN", "10", "\t"}
	case *cli.BoolFlag:
		return []string{"2", "\t"}
	case *cli.StringFlag, *cli.StringSliceFlag:
		return []string{"", "\t"}
	case app.Character:
		return []string{""}
	case *cli.TimestampFlag:
		return []string{"", "\t", "x"}
	}
	return nil
}

// TestNonsenseIsWrongUsage gives every flag of every command values that mean nothing. Each is refused with exit code
// 64, by its name and with what to do, before anything is read or contacted.
func TestNonsenseIsWrongUsage(t *testing.T) {
	for _, name := range []string{"CLICKHOUSE_URL", "ML_API_URL", "SCHEMA_REGISTRY_URL", "JAEGER_URL",
		"TXFLOW_COLLECT_URL"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1")
	t.Chdir(t.TempDir())
	tried := 0
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		name := strings.Join(path, " ")
		if c.Action == nil || c.Hidden {
			return
		}
		for _, f := range c.Flags {
			for _, value := range nonsense(f) {
				flag := "--" + f.Names()[0] + "=" + value
				if allowed[name+" "+flag] {
					continue
				}
				tried++
				code, errs, ended := inTime(append(slices.Clone(path), append(strings.Fields(needed[name]), flag)...))
				switch {
				case !ended:
					t.Errorf("txflow %s %q is taken, and works", name, flag)
				case code != fault.ExitUsage || !strings.Contains(errs, "-"+f.Names()[0]) || !strings.Contains(errs, "next") ||
					strings.Contains(errs, "--help") && !strings.Contains(errs, "txflow "+name+" --help"):
					t.Errorf("txflow %s %q: exit %d\n%s", name, flag, code, errs)
				}
			}
		}
	})
	if tried < 500 {
		t.Errorf("%d values were tried", tried)
	}
	t.Logf("%d values were tried", tried)
}

// inTime runs a command that must end at once.
func inTime(args []string) (code int, errs string, ended bool) {
	done := make(chan struct{})
	go func() {
		code, errs = harness.InProcess(args...)
		close(done)
	}()
	select {
	case <-done:
		return code, errs, true
	case <-time.After(20 * time.Second):
		return 0, "", false
	}
}

// TestSurplusArgumentsAreWrongUsage gives every command more arguments than it takes, also such as a slip of the hand
// makes.
func TestSurplusArgumentsAreWrongUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		if c.Action == nil || strings.HasSuffix(c.ArgsUsage, "...") || c.Name == "help" {
			return
		}
		for _, surplus := range []string{"surplus", "\t", "-", "NaN"} {
			args := slices.Clone(path)
			for range len(strings.Fields(c.ArgsUsage)) {
				args = append(args, "1")
			}
			if code, errs, ended := inTime(append(args, surplus)); !ended || code != fault.ExitUsage ||
				!strings.Contains(errs, "--help") {
				t.Errorf("txflow %q: exit %d\n%s", append(args, surplus), code, errs)
			}
		}
	})
}

// TestEmptyArgumentsAreWrongUsage leaves each argument of each command empty, as an unset variable of a script does.
func TestEmptyArgumentsAreWrongUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	tried := 0
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		names := strings.Fields(c.ArgsUsage)
		if c.Action == nil || c.Hidden || c.Name == "help" {
			return
		}
		for i := range names {
			args := slices.Clone(path)
			for range i {
				args = append(args, "1")
			}
			tried++
			if code, errs, ended := inTime(append(args, "")); !ended || code != fault.ExitUsage ||
				!strings.Contains(errs, "is empty") || !strings.Contains(errs, "txflow "+strings.Join(path, " ")+" --help") {
				t.Errorf("txflow %q: exit %d\n%s", append(args, ""), code, errs)
			}
		}
	})
	if tried < 15 {
		t.Errorf("%d arguments were tried", tried)
	}
}

// TestEmptyHasAMeaning wants the help to tell what an empty value of a flag means, wherever one is allowed.
func TestEmptyHasAMeaning(t *testing.T) {
	found := 0
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		for _, f := range c.Flags {
			if f, ok := f.(app.Optional); ok {
				found++
				if !strings.Contains(f.Usage, "empty") {
					t.Errorf("txflow %s --%s may be empty, and its help does not say what that means: %s",
						strings.Join(path, " "), f.Name, f.Usage)
				}
			}
		}
	})
	if found < 10 {
		t.Errorf("%d flags may be empty", found)
	}
}
