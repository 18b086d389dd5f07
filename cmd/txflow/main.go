// Command txflow is txflow for people: every batch task, whole runs, reports, and the platform that they run on.
package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/collectcmd"
	"github.com/txflow/txflow/cmd/internal/copycmd"
	"github.com/txflow/txflow/cmd/internal/dockerproxycmd"
	"github.com/txflow/txflow/cmd/internal/healthcmd"
	"github.com/txflow/txflow/cmd/internal/initcmd"
)

func main() {
	os.Exit(app.Main(application(), os.Args))
}

func application() *cli.App {
	commands := append(withStream(batchcmd.Commands()), runCommand(), reportCommand(), lineageCommand(), runsCommand(),
		traceCommand(), uiCommand())
	commands = append(commands, embeddedCommands()...)
	commands = append(commands, mlAPICommand(), healthcmd.Command(), copycmd.Command(), dockerproxycmd.Command(),
		initcmd.Command(kafkaFlags, kafkaConfig), migrateCommand(), doctorCommand(), eventsCommand(),
		collectcmd.Command(kafkaFlags, registryFlag, kafkaConfig), topicsCommand(), schemasCommand(), streamCommand(),
		dlqCommand(), dataCommand(), app.Completion())
	return app.New("txflow", "categorise bank transactions: CSV, ML API, ClickHouse", commands)
}
