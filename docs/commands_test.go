package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reference is what docs/reference/commands.md, which is generated from the program, says of commands and flags.
type reference struct {
	flags     map[string]map[string]bool // by command: "stream classify" has "--ml-url"
	variables map[string]bool
}

var (
	flagRow      = regexp.MustCompile("(?m)^\\| `(-[^`]*)` \\| ([^|]*)\\|")
	shortFlag    = regexp.MustCompile(`--?[a-zA-Z][a-zA-Z0-9-]*`)
	variableName = regexp.MustCompile(`[A-Z][A-Z0-9_]+`)
	txflowCall   = regexp.MustCompile(`(?:^|[\s;|&(=])(?:bin/|\./)?txflow((?: +[a-z][a-z-]*)*)( [^|;&)#]*)?`)
	makeCall     = regexp.MustCompile(`(?:^|[;|&(] *)make +([a-z][a-z0-9-]*)`)
	makeTarget   = regexp.MustCompile(`(?m)^([a-z][a-z0-9 -]*):(?:[^=]|$)`)
)

func readReference(t *testing.T, text string) reference {
	t.Helper()
	r := reference{flags: map[string]map[string]bool{}, variables: map[string]bool{}}
	global := map[string]bool{"--help": true, "-h": true, "--version": true, "-v": true}
	for section := range strings.SplitSeq(text, "\n## ") {
		title, body, _ := strings.Cut(section, "\n")
		into := global
		if name, ok := strings.CutPrefix(title, "txflow "); ok {
			into = map[string]bool{}
			r.flags[name] = into
		}
		for _, row := range flagRow.FindAllStringSubmatch(body, -1) {
			for _, flag := range shortFlag.FindAllString(row[1], -1) {
				into[flag] = true
			}
			for _, name := range variableName.FindAllString(row[2], -1) {
				r.variables[name] = true
			}
		}
	}
	for _, flags := range r.flags {
		for flag := range global {
			flags[flag] = true
		}
	}
	return r
}

// command is the longest command that the words name, "" for none.
func (r reference) command(words []string) string {
	for n := min(2, len(words)); n > 0; n-- {
		if name := strings.Join(words[:n], " "); r.flags[name] != nil {
			return name
		}
	}
	return ""
}

// unknown are the commands and flags of txflow in a line that the program does not have.
func (r reference) unknown(line string) []string {
	var found []string
	line, _, _ = strings.Cut(line, " # ")
	for _, call := range txflowCall.FindAllStringSubmatch(line, -1) {
		words := strings.Fields(call[1])
		if len(words) == 0 || words[0] == "help" {
			continue
		}
		name := r.command(words)
		if name == "" {
			found = append(found, "txflow "+words[0])
			continue
		}
		for word := range strings.FieldsSeq(call[2]) {
			if flag := shortFlag.FindString(word); flag != "" && strings.HasPrefix(word, flag) && !r.flags[name][flag] {
				found = append(found, "txflow "+name+" "+flag)
			}
		}
	}
	return found
}

// commandLines are the lines of a page that a reader types: in blocks of a shell and in indented ones, with lines that
// go on joined.
func commandLines(text string) []string {
	var lines []string
	fenced, shell := false, false
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			fenced = !fenced
			shell = fenced && (kind == "sh" || kind == "bash" || kind == "console" || kind == "")
			continue
		}
		if shell || !fenced && (strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// TestCommandsExist: each command, flag, make target and variable that a page names exists.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	files := markdown(t)
	r := readReference(t, files["docs/reference/commands.md"])
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, match := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		for target := range strings.FieldsSeq(match[1]) {
			targets[target] = true
		}
	}
	commands := 0
	for page, text := range files {
		if strings.HasPrefix(page, "docs/adr/") || page == "docs/CHANGELOG.md" {
			continue // what was, and may have another name since
		}
		lines := commandLines(text)
		for _, code := range inline.FindAllString(fence.ReplaceAllString(text, ""), -1) {
			if code = strings.Trim(code, "`"); strings.HasPrefix(code, "txflow ") || strings.HasPrefix(code, "make ") {
				lines = append(lines, code)
			}
		}
		for _, line := range lines {
			commands += len(txflowCall.FindAllString(line, -1))
			for _, name := range r.unknown(line) {
				t.Errorf("%s: there is no %s: %s", page, name, line)
			}
			for _, match := range makeCall.FindAllStringSubmatch(line, -1) {
				if !targets[match[1]] {
					t.Errorf("%s: there is no target %s: %s", page, match[1], line)
				}
			}
		}
	}
	if commands < 250 {
		t.Errorf("%d commands were looked at", commands)
	}
}

// TestCommandsExistFindsWhatDoesNot makes sure that TestCommandsExist can fail.
func TestCommandsExistFindsWhatDoesNot(t *testing.T) {
	t.Parallel()
	r := readReference(t, "# x\n## Global flags\n| `--log-level` | `TXFLOW_LOG_LEVEL` | x |\n## txflow dlq\n"+
		"## txflow dlq list\n"+
		"| `--reason CODE` | `TXFLOW_REASON` | | x |\n## txflow run\n| `--out URL, -o URL` | `TXFLOW_OUT` | | x |\n")
	for line, want := range map[string]string{
		"txflow dlq list --reason x | head -5": "", "bin/txflow run -o x --log-level debug --help a.csv": "",
		"A=1 txflow dlq list --state open": "txflow dlq list --state", "txflow lst": "txflow lst",
		"txflow run - <x; txflow run --dry": "txflow run --dry", "txflow": "", "the folder .txflow run": "",
	} {
		if got := strings.Join(r.unknown(line), " "); got != want {
			t.Errorf("%q: %q, not %q", line, got, want)
		}
	}
	if !r.variables["TXFLOW_OUT"] || !r.variables["TXFLOW_LOG_LEVEL"] {
		t.Errorf("variables: %v", r.variables)
	}
}
