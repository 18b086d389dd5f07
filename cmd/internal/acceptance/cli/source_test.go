package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/fault"
)

// Every command that takes --source refuses a name that no source can have, before it asks for its other flags or
// contacts anything.
func TestEveryCommandChecksSource(t *testing.T) {
	tried := 0
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		if !slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == "source" }) {
			return
		}
		tried++
		for _, name := range []string{"\xff", "a\nb", "\x1b[1m", strings.Repeat("x", 257)} {
			line := append(slices.Clone(path), "--source", name)
			if code, errs := harness.InProcess(line...); code != fault.ExitUsage || !strings.Contains(errs, "source") ||
				strings.Contains(errs, name) {
				t.Errorf("%s --source %q: exit %d\n%s", strings.Join(path, " "), name, code, errs)
			}
		}
	})
	if tried < 10 {
		t.Errorf("only %d commands take --source", tried)
	}
}
