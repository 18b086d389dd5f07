// Package commands lists the commands of txflow.
package commands

import (
	"slices"

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

// App is txflow. Its help has the groups, and the commands in them, in this order: what one wants to do first comes
// first.
func App() *cli.App {
	return app.New("txflow", "categorise bank transactions: CSV, ML API, ClickHouse", slices.Concat(
		platformcmd.Commands(), []*cli.Command{mlapicmd.Command(), datacmd.Command()},
		[]*cli.Command{setupcmd.Doctor(), setupcmd.Migrate(), setupcmd.Topics(), setupcmd.Schemas(), app.Completion()},
		[]*cli.Command{runcmd.Command()}, streamcmd.WithReconcile(batchcmd.Commands()),
		[]*cli.Command{streamcmd.Command(), collectcmd.Command(), eventscmd.Command()},
		querycmd.Commands(), []*cli.Command{uicmd.Command(), dlqcmd.Command()},
		[]*cli.Command{initcmd.Command(), healthcmd.Command(), copycmd.Command(), dockerproxycmd.Command()}))
}
