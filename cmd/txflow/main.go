// Command txflow is txflow for people: every batch task, whole runs, reports, and the platform that they run on.
package main

import (
	"os"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
)

func main() {
	os.Exit(app.Main(commands.App(), os.Args))
}
