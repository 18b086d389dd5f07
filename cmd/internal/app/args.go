package app

import (
	"cmp"
	"errors"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"
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

// limitArguments makes arguments that a command does not know wrong usage: as many are taken as ArgsUsage names, any
// number where that ends in dots. What has subcommands is not called with anything else.
func limitArguments(c *cli.Command) {
	work, limit, parent := c.Action, len(strings.Fields(c.ArgsUsage)), len(c.Subcommands) > 0
	if strings.HasSuffix(c.ArgsUsage, "...") {
		limit = math.MaxInt
	}
	c.Action = func(ctx *cli.Context) error {
		switch {
		case ctx.NArg() > limit && parent:
			return fault.WithHint(fault.Failf(fault.ExitUsage, "there is no command \"%s %s\"", c.HelpName, ctx.Args().First()),
				"see %s --help", c.HelpName)
		case ctx.NArg() > limit:
			return fault.WithHint(fault.Failf(fault.ExitUsage, "%s takes %d arguments at most, and was given %d: what is %q?",
				c.HelpName, limit, ctx.NArg(), ctx.Args().Get(limit)), "see %s --help", c.HelpName)
		case work == nil:
			return cli.ShowSubcommandHelp(ctx)
		}
		err := cmp.Or(emptyFlag(ctx), emptyArgument(ctx))
		if err == nil {
			err = work(ctx)
		}
		if fault.ExitCode(err) == fault.ExitUsage && fault.Hint(err) == "" {
			err = fault.WithHint(err, "see %s --help", c.HelpName)
		}
		return err
	}
}

// Optional is a text flag whose empty value means something, which its usage says.
type Optional struct{ *cli.StringFlag }

// OrNone is a flag like another one, of a command that does without what it names where it is empty.
func OrNone(flag *cli.StringFlag) Optional {
	own := *flag
	own.Usage += "; empty for none"
	return Optional{StringFlag: &own}
}

// Character is a text flag of one character, which may be a space or a tab.
type Character struct{ *cli.StringFlag }

// emptyFlag is the error of a flag that is empty where that means nothing. It is a slip, like an unset variable in a
// script: "" as a folder would be the folder at hand, as an address another one at each start, and as a filter it
// would let everything pass.
func emptyFlag(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name, empty, otherwise := f.Names()[0], false, ""
		switch f := f.(type) {
		case Character:
			empty, otherwise = c.String(name) == "", f.GetDefaultText()
		case *cli.StringFlag:
			empty, otherwise = blank(c.String(name)), f.GetDefaultText()
		case *cli.StringSliceFlag:
			empty = slices.ContainsFunc(c.StringSlice(name), blank)
		}
		switch {
		case empty && otherwise != "":
			return fault.WithHint(fault.Failf(fault.ExitUsage, "--%s is empty", name),
				"leave it out for the default (its environment variable, too)")
		case empty && c.IsSet(name) && !emptyVariable(f):
			return fault.WithHint(fault.Failf(fault.ExitUsage, "--%s is empty", name), "leave it out, or give it a value")
		}
	}
	return nil
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// emptyVariable reports whether the first environment variable of a flag that is there is empty. For a flag without a
// default this is the same as none: Compose files pass on variables that are not set so.
func emptyVariable(f cli.Flag) bool {
	if f, ok := f.(cli.DocGenerationFlag); ok {
		for _, name := range f.GetEnvVars() {
			if value, ok := os.LookupEnv(name); ok {
				return blank(value)
			}
		}
	}
	return false
}

// emptyArgument is the error of an argument that is empty.
func emptyArgument(c *cli.Context) error {
	for i, arg := range c.Args().Slice() {
		if names := strings.Fields(c.Command.ArgsUsage); blank(arg) && len(names) > 0 {
			return fault.Failf(fault.ExitUsage, "argument %d of %s is empty: it takes %s", i+1, c.Command.HelpName,
				strings.Join(names, " "))
		}
	}
	return nil
}

// usage gives the library's own refusals exit code 64: an unknown topic of help, a value of a variable that is no
// number.
func usage(err error) error {
	var ours *fault.Error
	var exit cli.ExitCoder
	if err != nil && !errors.As(err, &ours) &&
		(errors.As(err, &exit) || strings.Contains(err.Error(), "from environment variable")) {
		return fault.WithHint(fault.Fail(fault.ExitUsage, err), "see --help")
	}
	return err
}

// values is how many arguments after a flag belong to it: 1 for one with a value that does not follow "=".
func values(flags []cli.Flag, arg string) int {
	name := strings.TrimLeft(arg, "-")
	for _, f := range flags {
		if d, ok := f.(cli.DocGenerationFlag); ok && slices.Contains(f.Names(), name) && d.TakesValue() {
			return 1
		}
	}
	return 0
}
