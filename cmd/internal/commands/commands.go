// Package commands lists the commands of txflow.
package commands

import (
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/collectcmd"
	"github.com/txflow/txflow/cmd/internal/copycmd"
	"github.com/txflow/txflow/cmd/internal/datacmd"
	"github.com/txflow/txflow/cmd/internal/dlqcmd"
	"github.com/txflow/txflow/cmd/internal/dockerproxycmd"
	"github.com/txflow/txflow/cmd/internal/eventscmd"
	"github.com/txflow/txflow/cmd/internal/healthcmd"
	"github.com/txflow/txflow/cmd/internal/initcmd"
	"github.com/txflow/txflow/cmd/internal/mlapicmd"
	"github.com/txflow/txflow/cmd/internal/platformcmd"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/cmd/internal/runcmd"
	"github.com/txflow/txflow/cmd/internal/setupcmd"
	"github.com/txflow/txflow/cmd/internal/streamcmd"
	"github.com/txflow/txflow/cmd/internal/uicmd"
)

// App is txflow.
func App() *cli.App {
	commands := append(streamcmd.WithReconcile(batchcmd.Commands()), runcmd.Command())
	commands = append(commands, querycmd.Commands()...)
	commands = append(commands, uicmd.Command())
	commands = append(commands, platformcmd.Commands()...)
	commands = append(commands, mlapicmd.Command(), healthcmd.Command(), copycmd.Command(), dockerproxycmd.Command(),
		initcmd.Command(), setupcmd.Migrate(), setupcmd.Doctor(), eventscmd.Command(),
		collectcmd.Command(), setupcmd.Topics(), setupcmd.Schemas(), streamcmd.Command(),
		dlqcmd.Command(), datacmd.Command(), app.Completion())
	return app.New("txflow", "categorise bank transactions: CSV, ML API, ClickHouse", commands)
}
