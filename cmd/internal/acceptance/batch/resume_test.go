package batch

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	harness.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	return name
}

// The same command goes on with its run that was killed, at once and without --run-id: what was answered is not asked
// again.
func TestTheSameCommandGoesOnWithItsRun(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	harness.Must(t, os.Rename(harness.Sample(t, 4000), filepath.Join(w.Dir, "in.csv")))
	w.API.Slow(50 * time.Millisecond)
	w.Start("run", "in.csv").KillWhen(t, "some answers are recorded", w.Exists("out/*/parts/*/[0-9a-f]*.json"))
	runID := strings.TrimSpace(w.SQL("SELECT run_id FROM runs FINAL"))
	recorded := w.Recorded(runID)
	w.SQL("ALTER TABLE runs UPDATE lease_until = now() - 1 WHERE true SETTINGS mutations_sync = 1")
	if text := w.OK("runs").Stdout.String(); !strings.Contains(text, "interrupted") {
		t.Errorf("runs shows\n%s", text)
	}
	w.API.Harm.Store(nil)
	w.API.Asked.Store(0)
	r := w.OK("run", "in.csv")
	again := r.Record(t)
	if again.RunID != runID || recorded == 0 {
		t.Fatalf("%d rows were answered in %s, and the command went on with %s", recorded, runID, again.RunID)
	}
	if asked := w.API.Asked.Load(); asked > again.Counts.Accepted-recorded ||
		again.Counts.Stored != again.Counts.Accepted {
		t.Errorf("%d rows were recorded, %d asked again, of %d", recorded, asked, again.Counts.Accepted)
	}
	// A finished run is not gone on with, and neither is one of another command, nor standard input.
	other := w.OK("run", "in.csv").Record(t).RunID
	if other == runID {
		t.Error("a finished run goes on")
	}
	for _, args := range [][]string{{"run", "--max-text", "1000", "in.csv"}, {"run", "--source", "erp", "in.csv"},
		{"run", "--new", "in.csv"}} {
		if id := w.OK(args...).Record(t).RunID; id == runID || id == other {
			t.Errorf("%v went on with %s", args, id)
		}
	}
	// An id that is taken is for the same files and the same source.
	write(t, w.Dir, "other.csv", harness.Header+harness.Row(1))
	for _, args := range [][]string{{"other.csv"}, {"--source", "erp", "in.csv"}, {"--as-of", "2020-01-01", "in.csv"}} {
		code, r := w.Run(append([]string{"run", "--run-id", runID}, args...)...)
		if code != fault.ExitData || !strings.Contains(r.LastLog(t).Error, runID) {
			t.Errorf("%v: exit %d\n%s", args, code, r.Stderr.String())
		}
		code, r = w.Run(append([]string{"validate", "--run-id", runID}, args...)...)
		if code != fault.ExitData || r.Manifest(t).ExitCode != code {
			t.Errorf("validate %v: exit %d\n%s", args, code, r.Stderr.String())
		}
	}
	w.OK("reconcile", "out/"+runID) // its manifests are as they were
	for _, id := range []string{"..", "../x", ".", "a/b", "a\nb"} {
		if code, r := w.Run("run", "--run-id", id, "in.csv"); code != fault.ExitUsage {
			t.Errorf("%q: exit %d\n%s", id, code, r.Stderr.String())
		}
	}
}

// Loading an old file does not undo a newer correction, and reconcile accounts for what newer contents supersede.
func TestAnOldFileDoesNotUndoACorrection(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	write(t, w.Dir, "new.csv", harness.Header+strings.Replace(harness.Row(1), "Groceries", "corrected", 1)+harness.Row(3))
	write(t, w.Dir, "old.csv", harness.Header+harness.Row(1)+harness.Row(2))
	w.OK("run", "--as-of", "2024-03-01", "new.csv")
	w.OK("run", "--as-of", "2024-02-01T00:00:00Z", "old.csv")
	if got := w.SQL("SELECT source_id, description, toString(version) FROM transactions FINAL ORDER BY source_id"); got !=
		"1\tcorrected\t2024-03-01 00:00:00.000000\n2\tGroceries\t2024-02-01 00:00:00.000000\n3\tGroceries\t2024-03-01 "+
			"00:00:00.000000" {
		t.Error(got)
	}
	// Reclassified, each row keeps its version, and the old contents of row 1 change nothing.
	w.OK("validate", "--reclassify", "--run-id", "again", "old.csv")
	w.OK("split", "out/again")
	w.OK("classify", "out/again")
	if code, _ := w.Run("load", "out/again"); code != fault.ExitData {
		t.Errorf("load before compare: exit %d", code)
	}
	w.OK("compare", "out/again")
	w.OK("load", "out/again")
	w.OK("reconcile", "out/again")
	if got := w.SQL("SELECT source_id, description, toString(version), run_id = 'again' FROM transactions FINAL ORDER " +
		"BY source_id"); got !=
		"1\tcorrected\t2024-03-01 00:00:00.000000\t0\n2\tGroceries\t2024-02-01 "+
			"00:00:00.000000\t1\n3\tGroceries\t2024-03-01 00:00:00.000000\t0" {
		t.Error(got)
	}
	for _, at := range []string{"2999-01-01", "1960-01-01", "yesterday"} {
		if code, r := w.Run("run", "--as-of", at, "--clickhouse-url", "http://127.0.0.1:1",
			"old.csv"); code != fault.ExitUsage || !strings.Contains(r.LastLog(t).Error, "--as-of") {
			t.Errorf("as of %s: exit %d\n%s", at, code, r.Stderr.String())
		}
	}
	// What can be read only once is read by all tasks: from standard input by any name, and from a pipe.
	harness.Must(t, syscall.Mkfifo(filepath.Join(w.Dir, "pipe"), 0o600))
	go func() {
		_ = os.WriteFile(filepath.Join(w.Dir, "pipe"), []byte(harness.Header+harness.Row(10)+harness.Row(11)), 0o600)
	}()
	if n := w.OK("run", "pipe").Record(t).Counts; n.Stored != 2 {
		t.Errorf("from a pipe: %+v", n)
	}
	r := w.StartWith(strings.NewReader(harness.Header+harness.Row(12)), "run", "/dev/stdin")
	if code := r.Wait(t); code != 0 || r.Record(t).Counts.Stored != 1 {
		t.Errorf("from /dev/stdin: exit %d\n%s", code, r.Stderr.String())
	}
}

// A pipe that nobody writes to keeps no command from ending when it is stopped.
func TestAPipeWithoutAWriterIsInterrupted(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir()}
	harness.Must(t, syscall.Mkfifo(filepath.Join(p.Dir, "pipe"), 0o600))
	quiet, writer, err := os.Pipe()
	harness.Must(t, err)
	defer func() { _ = writer.Close() }()
	for name, r := range map[string]*harness.Process{"a-pipe": p.Start("validate", "--out", "a-pipe", "pipe"),
		"standard-input": p.StartWith(quiet, "validate", "--out", "standard-input", "-")} {
		for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
			if found, _ := filepath.Glob(filepath.Join(p.Dir, name, "*/.tmp-*")); len(found) > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it does not begin to read")
			}
		}
		r.Terminate(t)
		select {
		case <-r.Ended:
			if code := r.Cmd.ProcessState.ExitCode(); code != fault.ExitInterrupted || r.Manifest(t).ExitCode != code {
				t.Errorf("%s: exit %d\n%s", name, code, r.Stderr.String())
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: it goes on after SIGTERM", name)
		}
	}
}
