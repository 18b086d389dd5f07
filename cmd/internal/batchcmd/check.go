package batchcmd

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/tasks"
)

// Checked is a task's configuration.
type Checked interface{ Validate() error }

// Check checks what the user gave before anything is read or contacted: the configurations of the command's tasks, and
// the flags that are no task's. The error carries exit code 64 and names the flag.
func Check(c *cli.Context, configs ...Checked) error {
	var checks []error
	for _, config := range configs {
		checks = append(checks, config.Validate())
	}
	for _, name := range []string{"ml-outage", "clickhouse-outage"} {
		if hasFlag(c, name) {
			checks = append(checks, tasks.Outage("--"+name, c.Duration(name)))
		}
	}
	if hasFlag(c, "call-timeout") {
		checks = append(checks, tasks.Limit("--call-timeout", c.Duration("call-timeout"), time.Millisecond, 24*time.Hour))
	}
	if hasFlag(c, "max-refused") {
		checks = append(checks, tasks.Limit("--max-refused", c.Float64("max-refused"), 0, 1))
	}
	if hasFlag(c, "try") {
		checks = append(checks, tasks.Limit("--try", c.Int("try"), 1, 1<<16-1))
	}
	return tasks.First(checks...)
}

func hasFlag(c *cli.Context, name string) bool {
	return slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}
