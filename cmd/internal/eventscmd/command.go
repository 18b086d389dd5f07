// Package eventscmd is txflow events: business events from the package to gold.
package eventscmd

import (
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/collectcmd"
)

// Command is txflow events.
func Command() *cli.Command {
	return &cli.Command{
		Name: "events", Category: "Events", Usage: "send business events, and look at them from the package to gold",
		Subcommands: []*cli.Command{collectcmd.SendCommand(), eventsShowCommand(), eventsReportCommand(),
			eventsReconcileCommand(), eventsArchiveCommand(), eventsPublishCommand(), eventsForgetCommand()},
	}
}
