package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	return name
}

// The same command goes on with its run that was killed, at once and without --run-id: what was answered is not asked
// again.
func TestTheSameCommandGoesOnWithItsRun(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	must(t, os.Rename(sample(t, 4000), filepath.Join(w.dir, "in.csv")))
	w.api.slow(50 * time.Millisecond)
	w.start("run", "in.csv").killWhen(t, "some answers are recorded", w.exists("out/*/parts/*/[0-9a-f]*.json"))
	runID := strings.TrimSpace(w.sql("SELECT run_id FROM runs FINAL"))
	recorded := w.recorded(runID)
	w.sql("ALTER TABLE runs UPDATE lease_until = now() - 1 WHERE true SETTINGS mutations_sync = 1")
	if text := w.ok("runs").stdout.String(); !strings.Contains(text, "interrupted") {
		t.Errorf("runs shows\n%s", text)
	}
	w.api.harm.Store(nil)
	w.api.asked.Store(0)
	r := w.ok("run", "in.csv")
	again := r.record(t)
	if again.RunID != runID || recorded == 0 {
		t.Fatalf("%d rows were answered in %s, and the command went on with %s", recorded, runID, again.RunID)
	}
	if asked := w.api.asked.Load(); asked > again.Counts.Accepted-recorded ||
		again.Counts.Stored != again.Counts.Accepted {
		t.Errorf("%d rows were recorded, %d asked again, of %d", recorded, asked, again.Counts.Accepted)
	}
	// A finished run is not gone on with, and neither is one of another command, nor standard input.
	other := w.ok("run", "in.csv").record(t).RunID
	if other == runID {
		t.Error("a finished run goes on")
	}
	for _, args := range [][]string{{"run", "--max-text", "1000", "in.csv"}, {"run", "--source", "erp", "in.csv"},
		{"run", "--new", "in.csv"}} {
		if id := w.ok(args...).record(t).RunID; id == runID || id == other {
			t.Errorf("%v went on with %s", args, id)
		}
	}
	// An id that is taken is for the same files and the same source.
	write(t, w.dir, "other.csv", header+row(1))
	for _, args := range [][]string{{"other.csv"}, {"--source", "erp", "in.csv"}, {"--as-of", "2020-01-01", "in.csv"}} {
		code, r := w.run(append([]string{"run", "--run-id", runID}, args...)...)
		if code != fault.ExitData || !strings.Contains(r.lastLog(t).Error, runID) {
			t.Errorf("%v: exit %d\n%s", args, code, r.stderr.String())
		}
		code, r = w.run(append([]string{"validate", "--run-id", runID}, args...)...)
		if code != fault.ExitData || r.manifest(t).ExitCode != code {
			t.Errorf("validate %v: exit %d\n%s", args, code, r.stderr.String())
		}
	}
	w.ok("reconcile", "out/"+runID) // its manifests are as they were
	for _, id := range []string{"..", "../x", ".", "a/b", "a\nb"} {
		if code, r := w.run("run", "--run-id", id, "in.csv"); code != fault.ExitUsage {
			t.Errorf("%q: exit %d\n%s", id, code, r.stderr.String())
		}
	}
}

// Loading an old file does not undo a newer correction, and reconcile accounts for what newer contents supersede.
func TestAnOldFileDoesNotUndoACorrection(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	write(t, w.dir, "new.csv", header+strings.Replace(row(1), "Groceries", "corrected", 1)+row(3))
	write(t, w.dir, "old.csv", header+row(1)+row(2))
	w.ok("run", "--as-of", "2024-03-01", "new.csv")
	w.ok("run", "--as-of", "2024-02-01T00:00:00Z", "old.csv")
	if got := w.sql("SELECT source_id, description, toString(version) FROM transactions FINAL ORDER BY source_id"); got !=
		"1\tcorrected\t2024-03-01 00:00:00.000000\n2\tGroceries\t2024-02-01 00:00:00.000000\n3\tGroceries\t2024-03-01 00:00:00.000000" {
		t.Error(got)
	}
	// Reclassified, each row keeps its version, and the old contents of row 1 change nothing.
	w.ok("validate", "--reclassify", "--run-id", "anew", "old.csv")
	w.ok("split", "out/anew")
	w.ok("classify", "out/anew")
	if code, _ := w.run("load", "out/anew"); code != fault.ExitData {
		t.Errorf("load before compare: exit %d", code)
	}
	w.ok("compare", "out/anew")
	w.ok("load", "out/anew")
	w.ok("reconcile", "out/anew")
	if got := w.sql("SELECT source_id, description, toString(version), run_id = 'anew' FROM transactions FINAL ORDER BY source_id"); got !=
		"1\tcorrected\t2024-03-01 00:00:00.000000\t0\n2\tGroceries\t2024-02-01 00:00:00.000000\t1\n3\tGroceries\t2024-03-01 00:00:00.000000\t0" {
		t.Error(got)
	}
	for _, at := range []string{"2999-01-01", "1960-01-01", "yesterday"} {
		if code, r := w.run("run", "--as-of", at, "--clickhouse-url", "http://127.0.0.1:1",
			"old.csv"); code != fault.ExitUsage || !strings.Contains(r.lastLog(t).Error, "--as-of") {
			t.Errorf("as of %s: exit %d\n%s", at, code, r.stderr.String())
		}
	}
	// What can be read only once is read by all tasks: from standard input by any name, and from a pipe.
	must(t, syscall.Mkfifo(filepath.Join(w.dir, "pipe"), 0o600))
	go func() { _ = os.WriteFile(filepath.Join(w.dir, "pipe"), []byte(header+row(10)+row(11)), 0o600) }()
	if n := w.ok("run", "pipe").record(t).Counts; n.Stored != 2 {
		t.Errorf("from a pipe: %+v", n)
	}
	r := w.startWith(strings.NewReader(header+row(12)), "run", "/dev/stdin")
	if code := r.wait(t); code != 0 || r.record(t).Counts.Stored != 1 {
		t.Errorf("from /dev/stdin: exit %d\n%s", code, r.stderr.String())
	}
}

// A pipe that nobody writes to keeps no command from ending when it is stopped.
func TestAPipeWithoutAWriterIsInterrupted(t *testing.T) {
	p := place{t: t, dir: t.TempDir()}
	must(t, syscall.Mkfifo(filepath.Join(p.dir, "pipe"), 0o600))
	quiet, writer, err := os.Pipe()
	must(t, err)
	defer func() { _ = writer.Close() }()
	for name, r := range map[string]*process{"a pipe": p.start("validate", "pipe"),
		"standard input": p.startWith(quiet, "validate", "-")} {
		for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
			if found, _ := filepath.Glob(filepath.Join(p.dir, "out/*/.tmp-*")); len(found) > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it does not begin to read")
			}
		}
		r.terminate(t)
		select {
		case <-r.ended:
			if code := r.cmd.ProcessState.ExitCode(); code != fault.ExitInterrupted || r.manifest(t).ExitCode != code {
				t.Errorf("%s: exit %d\n%s", name, code, r.stderr.String())
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: it goes on after SIGTERM", name)
		}
	}
}
