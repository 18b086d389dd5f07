package app

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/txflow/txflow/cmd/internal/table"
)

const (
	helpWidth  = table.Width // columns of a help text at most, and where its width is not known
	helpNarrow = 60          // a smaller terminal breaks the lines itself: a text beside names has no room there
	helpNames  = 32          // a longer name of a flag or command has its text below, not beside it
)

// The library has one printer for all applications, so that it is set before any of them, or any test, runs.
func init() {
	cli.HelpPrinter = func(w io.Writer, templ string, data any) {
		var b strings.Builder
		templ = strings.ReplaceAll(templ, libraryGroups, ourGroups)
		cli.HelpPrinterCustom(&b, templ, data, map[string]any{"groups": groups})
		_, _ = io.WriteString(w, fitHelp(b.String(), terminalWidth(w)))
	}
}

// The library lists groups of commands by their names.
const (
	libraryGroups = `{{template "visibleCommandCategoryTemplate" .}}`
	ourGroups     = `{{range groups .}}{{if .Name}}
   {{.Name}}:{{range .VisibleCommands}}
     {{join .Names ", "}}{{"\t"}}{{.Usage}}{{end}}{{else}}{{template "visibleCommandTemplate" .}}{{end}}{{end}}`
)

// groups are those of an application's commands, in the order of their first commands; help, which is in none, leads.
func groups(of interface{ VisibleCategories() []cli.CommandCategory }) []cli.CommandCategory {
	all := of.VisibleCategories()
	if a, ok := of.(*cli.App); ok {
		first := func(group cli.CommandCategory) int {
			name := group.Name()
			return slices.IndexFunc(a.Commands, func(c *cli.Command) bool { return name != "" && c.Category == name })
		}
		slices.SortStableFunc(all, func(a, b cli.CommandCategory) int { return first(a) - first(b) })
	}
	return all
}

// terminalWidth is the width that help is printed in: the terminal's, between helpNarrow and helpWidth.
func terminalWidth(w io.Writer) int {
	if o, ok := w.(*output); ok {
		w = o.to
	}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return min(max(width, helpNarrow), helpWidth)
		}
	}
	return helpWidth
}

// fitHelp breaks the lines of the library's help text at width, in columns: paragraphs of a description are filled,
// examples in it, which are indented further, stay as they are, and the texts of flags and commands are set in a column
// of their own.
func fitHelp(text string, width int) string {
	var out []string
	lines := strings.Split(text, "\n")
	for len(lines) > 0 {
		end := 1 // of a section: up to the next line at the margin
		for end < len(lines) && (lines[end] == "" || lines[end][0] == ' ') {
			end++
		}
		switch section := lines[:end]; section[0] {
		case "DESCRIPTION:":
			out = append(out, fillParagraphs(section, width)...)
		case "OPTIONS:", "GLOBAL OPTIONS:", "COMMANDS:":
			out = append(out, setColumns(section, width)...)
		default:
			for _, line := range section {
				out = append(out, table.Wrap(line, indentOf(line), indentOf(line)+3, width)...)
			}
		}
		lines = lines[end:]
	}
	return strings.Join(out, "\n")
}

// fillParagraphs joins the lines at the indent of the section's text, and breaks them again.
func fillParagraphs(section []string, width int) []string {
	const indent = 3
	out := section[:1:1]
	var words []string
	fill := func() {
		if len(words) > 0 {
			out = append(out, table.Wrap(strings.Join(words, " "), indent, indent, width)...)
			words = nil
		}
	}
	for _, line := range section[1:] {
		if strings.TrimSpace(line) != "" && indentOf(line) == indent {
			words = append(words, strings.Fields(line)...)
			continue
		}
		fill()
		out = append(out, line)
	}
	fill()
	return out
}

// setColumns sets the texts beside names, or below those that are too long.
func setColumns(section []string, width int) []string {
	column := 0
	for _, line := range section {
		if name, text := cutName(line); text != "" && utf8.RuneCountInString(name) <= helpNames {
			column = max(column, utf8.RuneCountInString(name)+2)
		}
	}
	if column == 0 {
		column = 9
	}
	var out []string
	for _, line := range section {
		name, text := cutName(line)
		if text == "" {
			out = append(out, line)
			continue
		}
		texts := table.Wrap(text, column, column, width)
		if n := utf8.RuneCountInString(name); n+2 <= column {
			texts[0] = name + texts[0][n:]
		} else {
			texts = slices.Insert(texts, 0, name)
		}
		out = append(out, texts...)
	}
	return out
}

// cutName cuts a line into a name, with its indent, and its text; "" where it has none.
func cutName(line string) (name, text string) {
	indent := indentOf(line)
	name, text, _ = strings.Cut(line[indent:], "  ")
	return line[:indent] + name, strings.TrimSpace(text)
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
