// Package querycmd is what asks ClickHouse and Jaeger about transactions and runs.
package querycmd

import (
	"github.com/urfave/cli/v2"
)

// Commands are report, lineage, runs and trace.
func Commands() []*cli.Command {
	return []*cli.Command{reportCommand(), lineageCommand(), runsCommand(), traceCommand()}
}
