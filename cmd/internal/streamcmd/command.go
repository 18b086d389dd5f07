// Package streamcmd is txflow stream: live traffic, its members, how they are doing, and the proof that nothing is
// missing.
package streamcmd

import (
	"github.com/urfave/cli/v2"
)

// Command is txflow stream.
func Command() *cli.Command {
	return &cli.Command{
		Name: "stream", Category: "Process messages",
		Usage: "classify live transactions and refine live events, from Kafka to Kafka",
		Subcommands: []*cli.Command{streamProduceCommand(), streamClassifyCommand(), streamRefineCommand(),
			streamStatusCommand()},
	}
}
