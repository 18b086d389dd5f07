package app

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"
)

// Usage is one error with exit code 64 of all that is wrong with a command's flags; nil when nothing is. Commands call
// it before they contact or read anything.
func Usage(c *cli.Context, errs ...error) error {
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	return fault.WithHint(fault.Fail(fault.ExitUsage, err), "see %s --help", c.Command.HelpName)
}
