package app

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const (
	// completeWord, as the first word, asks what the last of the words after it can become.
	completeWord = "__complete"
	// oldCompleteFlag, as the last word, asks the same in scripts of the library, which are still installed.
	oldCompleteFlag = "--generate-bash-completion"
)

// completion answers a shell, and reports whether the arguments were a shell's question. It only reads the tree of
// commands: whatever is being typed, nothing of it is run.
func completion(a *cli.App, args []string, w io.Writer) bool {
	switch {
	case len(args) > 1 && args[1] == completeWord:
		args = args[2:]
	case len(args) > 1 && args[len(args)-1] == oldCompleteFlag:
		// The word being typed precedes the flag, unless it is still empty.
		args = args[1 : len(args)-1]
		if n := len(args); n == 0 || !strings.HasPrefix(args[n-1], "-") {
			args = append(slices.Clone(args), "")
		}
	default:
		return false
	}
	if len(args) == 0 {
		args = []string{""}
	}
	for _, c := range candidates(a, args) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", c.word, c.usage) // a shell that is gone asks for nothing
	}
	return true
}

type candidate struct{ word, usage string }

// candidates are what the last word can become; none where only the user knows, as for values and files.
func candidates(a *cli.App, words []string) []candidate {
	commands, flags := a.VisibleCommands(), a.Flags
	last := words[len(words)-1]
	for i := 0; i < len(words)-1; i++ {
		word := words[i]
		switch {
		case word == "--":
			return nil
		case strings.HasPrefix(word, "-") && word != "-":
			if words[i+1] == "=" { // bash takes --flag=value apart
				i++
			} else if values(flags, word) == 0 || strings.Contains(word, "=") {
				continue
			}
			if i++; i >= len(words)-1 {
				return nil // the last word is the flag's value
			}
		case len(commands) > 0:
			at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(word) })
			if at < 0 {
				return nil
			}
			commands, flags = commands[at].VisibleCommands(), commands[at].Flags
		}
	}
	var found []candidate
	if strings.HasPrefix(last, "-") {
		for _, f := range append(slices.Clone(flags), cli.HelpFlag) {
			found = append(found, flagCandidates(f, last)...)
		}
		return found
	}
	for _, c := range commands {
		if strings.HasPrefix(c.Name, last) {
			found = append(found, candidate{c.Name, oneLine(c.Usage)})
		}
	}
	return found
}

// flagCandidates are the names of a flag that begin with typed.
func flagCandidates(f cli.Flag, typed string) (found []candidate) {
	usage := ""
	if d, ok := f.(cli.DocGenerationFlag); ok {
		usage = oneLine(d.GetUsage())
	}
	if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
		return nil
	}
	for _, name := range f.Names() {
		word := "--" + name
		if len(name) == 1 {
			word = "-" + name
		}
		if strings.HasPrefix(word, typed) {
			found = append(found, candidate{word, usage})
		}
	}
	return found
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
