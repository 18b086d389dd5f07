package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A try that failed before another form of the same task was done is part of the history, and stops nothing.
func TestAStaleManifestDoesNotStopLoad(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	must(t, os.WriteFile(filepath.Join(w.dir, "in.csv"), []byte(header+row(1)+row(2)), 0o644))
	w.ok("validate", "--run-id", "stale", "in.csv")
	w.ok("split", "out/stale")
	if code, r := w.run("classify", "--index", "0", "--ml-url", "http://127.0.0.1:1", "--ml-outage", "100ms", "out/stale"); code == 0 {
		t.Fatalf("it was classified without an API:\n%s", r.stderr.String())
	}
	w.ok("classify", "out/stale")
	must(t, os.WriteFile(filepath.Join(w.dir, "out/stale/split.json"), []byte("{torn"), 0o644))
	code, r := w.run("load", "out/stale")
	if m := r.manifest(t); code != 0 || m.ExitCode != code || m.Counts.Stored != 2 {
		t.Fatalf("exit %d, the manifest %+v\n%s", code, m, r.stderr.String())
	}
	w.ok("reconcile", "out/stale")
	if got := w.sql("SELECT groupArray((task, task_index, status)) FROM (SELECT * FROM task_runs FINAL WHERE task = 'classify' ORDER BY task_index)"); got != "[('classify',-1,'done'),('classify',0,'failed')]" {
		t.Error(got)
	}
	if code, r := w.run("reconcile", "--manifest", "in.csv/x.json", "out/stale"); code == 0 || r.manifest(t).ExitCode != code {
		t.Errorf("a manifest that can not be written: exit %d, the last line says %d", code, r.manifest(t).ExitCode)
	}
}
