package app

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves a command's flags before its arguments, since the library only reads them there, and users write
// them at either place.
func flagsFirst(a *cli.App, args []string) []string {
	commands, flags := a.Commands, a.Flags
	at := 1
	for at < len(args) {
		if strings.HasPrefix(args[at], "-") {
			if len(commands) == 0 || args[at] == "-" {
				break
			}
			at += 1 + values(flags, args[at])
			continue
		}
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[at]) })
		if i < 0 && len(commands) > 0 {
			return args // there is no such command
		}
		if i < 0 {
			break
		}
		commands, flags = commands[i].Subcommands, commands[i].Flags
		at++
	}
	if at >= len(args) {
		return args
	}
	named, rest := slices.Clone(args[:at]), []string{}
	for i := at; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return append(append(append(named, "--"), rest...), args[i+1:]...)
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			rest = append(rest, arg)
		default:
			n := min(1+values(flags, arg), len(args)-i)
			named = append(named, args[i:i+n]...)
			i += n - 1
		}
	}
	return append(named, rest...)
}

// values is how many arguments behind a flag belong to it: 1 for one with a value that does not stand behind "=".
func values(flags []cli.Flag, arg string) int {
	name := strings.TrimLeft(arg, "-")
	for _, f := range flags {
		if d, ok := f.(cli.DocGenerationFlag); ok && slices.Contains(f.Names(), name) && d.TakesValue() {
			return 1
		}
	}
	return 0
}
