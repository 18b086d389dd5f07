package app

import (
	"embed"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"
)

//go:embed completion/*
var completionScripts embed.FS

// Completion is the command that prints a shell's script.
func Completion() *cli.Command {
	return &cli.Command{
		Name: "completion", Category: "Set up and check",
		Usage: "print the script that completes commands and flags in bash, zsh or fish", ArgsUsage: "bash|zsh|fish",
		Description: `The script asks txflow itself what can follow; nothing of what is being typed is run.

   source <(txflow completion bash)                          # in ~/.bashrc
   source <(txflow completion zsh)                           # in ~/.zshrc, after compinit
   txflow completion fish > ~/.config/fish/completions/txflow.fish`,
		Action: func(c *cli.Context) error {
			name := c.Args().First()
			script, err := completionScripts.ReadFile("completion/" + name)
			if err != nil {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "no completion for the shell %q", name),
					"name bash, zsh or fish")
			}
			_, err = io.WriteString(c.App.Writer, strings.ReplaceAll(string(script), "PROGRAM", c.App.Name))
			return err
		},
	}
}
