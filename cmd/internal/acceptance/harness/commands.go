package harness

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
)

// Repository is the way from a package of tests to the repository's root.
const Repository = "../../../.."

// MustAbs is an absolute path.
func MustAbs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	Must(t, err)
	return path
}

// InProcess runs a command that must end before it does anything.
func InProcess(args ...string) (int, string) {
	var out, errs bytes.Buffer
	a := commands.App()
	a.Writer, a.ErrWriter = &out, &errs
	code := app.Main(a, append([]string{"txflow"}, args...))
	return code, errs.String()
}

// EachPath calls visit with the words of every command.
func EachPath(commands []*cli.Command, path []string, visit func([]string, *cli.Command)) {
	for _, c := range commands {
		at := append(slices.Clone(path), c.Name)
		visit(at, c)
		EachPath(c.Subcommands, at, visit)
	}
}
