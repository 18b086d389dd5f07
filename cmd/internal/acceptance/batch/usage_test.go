package batch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// Numbers are checked before anything is read or contacted: neither the file nor ClickHouse nor the ML API is there.
// The error names the flag, whether the value came by the flag or by its variable.
func TestNumbersOutOfRangeAreWrongUsage(t *testing.T) {
	const run, folder = "run nothing.csv", "out/nothing"
	for _, tt := range []struct{ command, flag, values string }{
		{run, "max-chunks", "-1 0 100001"}, {"split " + folder, "max-chunks", "-1 0"}, {run, "segment-rows", "0 -5 100001"},
		{"split " + folder, "segment-rows", "0 -5"}, {"split " + folder, "min-rows", "0 -1"},
		{run, "max-reject-ratio", "NaN -1 2"},
		{"validate nothing.csv", "max-reject-ratio", "NaN -0.1 1.1"}, {run, "batch-rows", "0 -5"},
		{"classify " + folder, "batch-rows", "0"},
		{run, "concurrency", "0 -1"}, {"classify " + folder, "concurrency", "-1"}, {run, "workers", "-1"},
		{"reconcile " + folder, "workers", "-1"},
		{run, "block-rows", "0 -1"}, {"load " + folder, "block-rows", "-1"}, {run, "findings", "-1"},
		{"reconcile " + folder, "findings", "-1"},
		{"validate nothing.csv", "max-record", "0 -1"}, {"validate nothing.csv", "max-text", "0 -1"},
		{run, "ml-outage", "-1s"},
		{"classify " + folder, "ml-outage", "-1s"}, {"classify " + folder, "call-timeout", "0s -1s"},
		{run, "clickhouse-outage", "-1s"},
		{"load " + folder, "clickhouse-outage", "-1s"}, {"load " + folder, "index", "-2"},
		{"classify " + folder, "try", "0 70000"},
		{"compare " + folder, "max-changed", "NaN -1 2"}, {"compare " + folder, "examples", "-1"},
		{"inbox --taken x --inbox y", "settle", "-1s"},
		{"inbox --taken x --inbox y", "limit", "0 -1"}, {"validate nothing.csv", "temp-dir", "/nonexist"},
		// the library keeps this one: the last
		{"validate nothing.csv", "thousands", "_"}, {"validate nothing.csv", "earliest", "2999-01-01"},
	} {
		for value := range strings.FieldsSeq(tt.values) {
			code, errs := harness.InProcess(append(strings.Fields(tt.command), "--"+tt.flag+"="+value)...)
			if code != fault.ExitUsage || !strings.Contains(errs, "--"+tt.flag) {
				t.Errorf("%s --%s=%s: exit %d\n%s", tt.command, tt.flag, value, code, errs)
			}
		}
	}
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"TXFLOW_MAX_CHUNKS=-1"}}
	if code, r := p.Run("run", "nothing.csv"); code != fault.ExitUsage ||
		!strings.Contains(r.Stderr.String(), "--max-chunks") {
		t.Errorf("by its variable: exit %d\n%s", code, r.Stderr.String())
	}
	p.Env = []string{"TXFLOW_MAX_CHUNKS=many"}
	if code, r := p.Run("run", "nothing.csv"); code != fault.ExitUsage ||
		!strings.Contains(r.Stderr.String(), "TXFLOW_MAX_CHUNKS") {
		t.Errorf("a variable that is no number: exit %d\n%s", code, r.Stderr.String())
	}
}

func TestSurplusArgumentsAndUnknownCommandsAreWrongUsage(t *testing.T) {
	for _, line := range []string{"dlq foo", "topics foo", "schemas foo", "stream foo", "data foo", "platform foo",
		"help foo", "report extra", "lineage 1 2",
		"runs extra", "migrate extra", "doctor extra", "split a b", "classify a b", "load a b", "reconcile a b",
		"compare a b", "inbox extra", "demo extra",
		"trace a b", "dlq show a b c d", "stream produce a b", "stream classify a"} {
		if code, errs := harness.InProcess(strings.Fields(line)...); code != fault.ExitUsage ||
			!strings.Contains(errs, "--help") {
			t.Errorf("%s: exit %d\n%s", line, code, errs)
		}
	}
}

// The usual "no upper bound" is the last day that a timestamp can say.
func TestTheLastDayIsNoUpperBound(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir()}
	last := strings.Replace(harness.Row(1), "2024-01-31 10:15:00", "9999-12-31 23:59:59.999999", 1)
	harness.Must(t, os.WriteFile(filepath.Join(p.Dir, "in.csv"), []byte(harness.Header+harness.Row(2)+last), 0o644))
	if m := p.OK("validate", "--latest", "9999-12-31", "--run-id", "late", "in.csv").Manifest(t); m.Counts.Accepted != 2 {
		t.Errorf("counts %+v", m.Counts)
	}
	if m := p.OK("split", "out/late").Manifest(t); m.Chunks != 1 {
		t.Errorf("split: %+v", m)
	}
}

// A try that failed before another form of the same task was done is part of the history, and stops nothing.
func TestAStaleManifestDoesNotStopLoad(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "in.csv"), []byte(harness.Header+harness.Row(1)+harness.Row(2)),
		0o644))
	w.OK("validate", "--run-id", "stale", "in.csv")
	w.OK("split", "out/stale")
	if code, r := w.Run("classify", "--index", "0", "--ml-url", "http://127.0.0.1:1", "--ml-outage", "100ms",
		"out/stale"); code == 0 {
		t.Fatalf("it was classified without an API:\n%s", r.Stderr.String())
	}
	w.OK("classify", "out/stale")
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "out/stale/split.json"), []byte("{torn"), 0o644))
	code, r := w.Run("load", "out/stale")
	if m := r.Manifest(t); code != 0 || m.ExitCode != code || m.Counts.Stored != 2 {
		t.Fatalf("exit %d, the manifest %+v\n%s", code, m, r.Stderr.String())
	}
	w.OK("reconcile", "out/stale")
	if got := w.SQL("SELECT groupArray((task, task_index, status)) FROM (SELECT * FROM task_runs FINAL WHERE task = " +
		"'classify' ORDER BY task_index)"); got != "[('classify',-1,'done'),('classify',0,'failed')]" {
		t.Error(got)
	}
	if code, r := w.Run("reconcile", "--manifest", "in.csv/x.json", "out/stale"); code == 0 ||
		r.Manifest(t).ExitCode != code {
		t.Errorf("a manifest that can not be written: exit %d, the last line says %d", code, r.Manifest(t).ExitCode)
	}
}
