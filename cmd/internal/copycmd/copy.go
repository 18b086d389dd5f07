// Package copycmd is txflow copy.
package copycmd

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
)

const stdio = "-"

// Command is txflow copy.
func Command() *cli.Command {
	return &cli.Command{
		Name: "copy", Category: "Deploy", ArgsUsage: "FROM TO", Usage: "copy a file from or to an object store, atomically",
		Description: `FROM and TO are paths or URLs (s3://, gs://, azblob://); - is stdin or stdout. What lies at TO
is replaced.

   txflow copy data/transactions.csv s3://inputs/transactions.csv
   txflow copy s3://artifacts/runs/RUN_ID/rejected.csv -`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			if c.NArg() != 2 {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "copy takes two arguments"), "see txflow copy --help")
			}
			return run(c, rt, c.Args().Get(0), c.Args().Get(1))
		}),
	}
}

func run(c *cli.Context, rt *app.Runtime, from, to string) (err error) {
	in := io.NopCloser(rt.Stdin)
	if from != stdio {
		if in, err = rt.Artifacts.OpenSource(c.Context, from); err != nil {
			return err
		}
	}
	defer in.Close()
	if to == stdio {
		_, err = io.Copy(rt.Stdout, in)
		return err
	}
	out, err := rt.Artifacts.Create(c.Context, to)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	made, err := out.Commit(c.Context)
	if err == nil {
		_, _ = fmt.Fprintf(rt.Stderr, "%s: %s\n", made.URL, display.Count(made.Bytes, "byte"))
	}
	return err
}
