package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/testtool"
)

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A command whose output is lost does not end as if it had been printed: help of every command, and what needs no
// platform.
func TestLostOutputIsAnError(t *testing.T) {
	lines := [][]string{{}, {"--help"}, {"--version"}, {"help"}, {"completion", "bash"},
		{"data", "generate", "--rows", "3"}}
	harness.EachPath(commands.App().Commands, nil, func(path []string, _ *cli.Command) {
		lines = append(lines, append(path, "--help"))
	})
	for _, line := range lines {
		var errs bytes.Buffer
		a := commands.App()
		a.Writer, a.ErrWriter = full{}, &errs
		if code := app.Main(a, append([]string{"txflow"}, line...)); code != fault.ExitTryAgain ||
			!strings.Contains(errs.String(), "no space left") {
			t.Errorf("%v: exit %d, %s", line, code, errs.String())
		}
	}
}

// The same in real processes, for what reads the tables.
func TestLostOutputOfQuestionsIsAnError(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		testtool.Missing(t, "there is no /dev/full here")
	}
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "in.csv"), []byte(harness.Header+harness.Row(1)+"x,,,,,,\n"), 0o600))
	w.OK("run", "--run-id", "r1", "--source", "bank", "--max-reject-ratio", "1", "in.csv")
	lines := []string{"report", "report --json", "report --csv", "runs", "runs --json", "lineage 1 --source bank",
		"lineage --json 1 --source bank",
		"dlq stats", "dlq list", "dlq list --json", "reconcile out/r1", "migrate --dry-run --stream", "--help"}
	started := make([]*harness.Process, len(lines))
	for i, line := range lines {
		disk, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		harness.Must(t, err)
		started[i] = w.StartTo(disk, strings.Fields(line)...)
		harness.Must(t, disk.Close())
	}
	for i, r := range started {
		if code := r.Wait(t); code == 0 || !strings.Contains(r.Stderr.String(), "no space left") {
			t.Errorf("%s: exit %d, %s", lines[i], code, r.Stderr.String())
		}
	}
}

// Help fits 100 columns, unless one word is longer; examples are what the user copies, and are no wider either.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	lines := [][]string{{"--help"}, {"help"}}
	harness.EachPath(commands.App().Commands, nil, func(path []string, _ *cli.Command) {
		lines = append(lines, append(path, "--help"))
	})
	for _, line := range lines {
		var out, errs bytes.Buffer
		a := commands.App()
		a.Writer, a.ErrWriter = &out, &errs
		if code := app.Main(a, append([]string{"txflow"}, line...)); code != fault.ExitDone || out.Len() == 0 {
			t.Errorf("%v: exit %d, %s", line, code, errs.String())
		}
		for text := range strings.Lines(out.String()) {
			text = strings.TrimRight(text, "\n")
			if utf8.RuneCountInString(text) > 100 && len(strings.Fields(text)) > 1 {
				t.Errorf("%v: %d columns: %s", line, utf8.RuneCountInString(text), text)
			}
		}
	}
}
