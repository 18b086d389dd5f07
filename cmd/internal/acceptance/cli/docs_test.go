package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// docsBlock is a command block of a page, with the output that the page shows after it.
var docsBlock = regexp.MustCompile("(?s)```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?")

// TestDocsCommands runs the sh blocks of docs/start, as a reader does after starting the services. Each must succeed,
// and print the lines that the page shows, where … stands for anything, and so does a number.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, url := harness.StartPlatform(t, dir, "127.0.0.1:0")
	ml := harness.StartMLAPI(t)
	self, err := os.Executable()
	harness.Must(t, err)
	harness.Must(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	harness.Must(t, os.WriteFile(filepath.Join(dir, "bin", "txflow"),
		[]byte("#!/bin/sh\nexec env "+harness.AsMain+"=1 '"+self+"' \"$@\"\n"), 0o755))
	harness.Must(t, os.Symlink(harness.MustAbs(t, filepath.Join(harness.Repository, "data")), filepath.Join(dir, "data")))
	pages, err := filepath.Glob(filepath.Join(harness.Repository, "docs", "start", "*.md"))
	harness.Must(t, err)
	blocks := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		harness.Must(t, err)
		for _, block := range docsBlock.FindAllStringSubmatch(string(text), -1) {
			blocks++
			cmd := exec.Command("bash", "-euo", "pipefail", "-c", block[1])
			cmd.Dir, cmd.WaitDelay = dir, time.Second
			cmd.Env = append(os.Environ(), "CLICKHOUSE_URL="+url, "ML_API_URL="+ml.URL, "KAFKA_BROKERS=127.0.0.1:1",
				"SCHEMA_REGISTRY_URL=http://127.0.0.1:1")
			output, err := cmd.Output()
			if err != nil {
				t.Errorf("%s: %v\n%s\n%s", filepath.Base(page), err, block[1], output)
				continue
			}
			for line := range strings.Lines(block[2]) {
				if line = strings.TrimSpace(line); line != "" && !shows(string(output), line) {
					t.Errorf("%s: there is no line like\n%s\nin the output of\n%s\n%s", filepath.Base(page), line,
						block[1], output)
				}
			}
		}
	}
	if blocks < 5 {
		t.Errorf("%d blocks were run", blocks)
	}
}

var numbers = regexp.MustCompile(`[0-9][0-9,.:]*`)

// shows reports whether a line of the output is like the one that is expected.
func shows(output, expected string) bool {
	var pattern strings.Builder
	for _, word := range strings.Fields(expected) {
		word = numbers.ReplaceAllString(word, "\x00")
		word = strings.NewReplacer("\x00", "[0-9,.:]+", "…", ".*").Replace(regexp.QuoteMeta(word))
		if pattern.Len() > 0 {
			pattern.WriteString(`\s*`)
		}
		pattern.WriteString(word)
	}
	return regexp.MustCompile(`(?m)^\s*` + pattern.String() + `\s*$`).MatchString(output)
}

// TestShows makes sure that TestDocsCommands can fail.
func TestShows(t *testing.T) {
	t.Parallel()
	const output = "category   transactions      net\nFood              1,200  -17.50\n"
	for line, want := range map[string]bool{"category … net": true, "Food 900 -1.00": true, "Food … Rent": false,
		"Rent … …": false, "…": true, "Food": false} {
		if shows(output, line) != want {
			t.Errorf("%q: %t", line, !want)
		}
	}
}
