package docs

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// page is what is run of a page, in order.
type page struct {
	name   string
	blocks []block
}

// block is a fenced block of a page: commands with the output that the page shows after them, or a file.
type block struct {
	line   int // of the page
	text   string
	shown  []string // lines of output, in order
	notRun string   // why it is not run
	file   string   // the name of the file that the block is; such a block is no commands
}

var (
	notRun = regexp.MustCompile(`^<!-- not run: (.+) -->$`)
	isFile = regexp.MustCompile(`^<!-- file: (\S+) -->$`)
)

// parsePage reads a page. A fenced block of the kind "sh" is run, unless the comment <!-- not run: REASON --> is before
// it. A block of the kind "text" right after it is its output. A block after <!-- file: NAME --> is that file.
func parsePage(name, text string) (page, error) {
	p := page{name: name}
	lines := strings.Split(text, "\n")
	mark, after := "", -1 // the comment before, and the block of commands that just ended
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		kind, fence := strings.CutPrefix(line, "```")
		if !fence {
			if line != "" {
				mark, after = line, -1
			}
			if looksTyped(lines, i) {
				return p, fmt.Errorf("%s:%d: commands stand in a fenced block of the kind sh: %s", name, i+1, line)
			}
			continue
		}
		indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " "))
		b := block{line: i + 1}
		var body []string
		for i++; ; i++ {
			if i == len(lines) {
				return p, fmt.Errorf("%s:%d: the block does not end", name, b.line)
			}
			if strings.TrimSpace(lines[i]) == "```" {
				break
			}
			body = append(body, lines[i][min(indent, len(lines[i])-len(strings.TrimLeft(lines[i], " "))):])
		}
		b.text = strings.Join(body, "\n") + "\n"
		why, file := notRun.FindStringSubmatch(mark), isFile.FindStringSubmatch(mark)
		switch {
		case kind == "sh":
			if why != nil {
				b.notRun = why[1]
			}
			p.blocks, after = append(p.blocks, b), len(p.blocks)
		case kind == "text" && after >= 0:
			p.blocks[after].shown, after = body, -1
		case file != nil:
			b.file = file[1]
			p.blocks, after = append(p.blocks, b), -1
		case kind == "" || kind == "bash" || kind == "console":
			return p, fmt.Errorf("%s:%d: a fenced block says what it is: sh for commands", name, b.line)
		default:
			after = -1
		}
		mark = ""
	}
	return p, nil
}

var typed = regexp.MustCompile(`^(    |\t)\s*(bin/|export |make |txflow |curl |docker |airflow |task |alias ` +
	`|[A-Z_]+=\S+ txflow)`)

// looksTyped reports whether a line is a command in an indented block: those would not be run.
func looksTyped(lines []string, i int) bool {
	return typed.MatchString(lines[i]) && (i == 0 || strings.TrimSpace(lines[i-1]) == "" || looksTyped(lines, i-1))
}

// TestParsePage makes sure that nothing on a page escapes the test of its commands.
func TestParsePage(t *testing.T) {
	t.Parallel()
	p, err := parsePage("a.md", "# A\n\n```sh\nx 1\n```\n\n```text\none\n…\n```\n\n<!-- not run: Docker -->\n```sh\n"+
		"y\n```\n\n"+
		"- item\n\n  ```sh\n  z\n    w\n  ```\n\n  text\n\n  ```text\n  not its output\n  ```\n\n<!-- file: f.json -->\n"+
		"```json\n{}\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "[{3 x 1\n [one …]  } {13 y\n [] Docker } {19 z\n  w\n []  } {31 {}\n []  f.json}]"
	if got := fmt.Sprint(p.blocks); got != want {
		t.Errorf("blocks\n%s\nnot\n%s", got, want)
	}
	for _, text := range []string{"    txflow run\n", "x\n\n    make x\n    txflow run\n", "```\ntxflow run\n```\n",
		"```sh\nx\n"} {
		if _, err := parsePage("b.md", text); err == nil {
			t.Errorf("nothing is wrong with %q", text)
		}
	}
	for _, text := range []string{"- a list\n    txflow goes on in this line\n", "\n    a quotation\n"} {
		if _, err := parsePage("c.md", text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
