package batch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/ml_api/server"
	"github.com/txflow/txflow/tasks/compare"
)

// Files arrive, are listed once they are whole, and are gone from the list once they are taken.
func TestInboxByHand(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"TXFLOW_INBOX=in", "TXFLOW_TAKEN=taken"}}
	arrive := func(name, content string, age time.Duration) {
		at := filepath.Join(p.Dir, "in", name)
		harness.Must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		harness.Must(t, os.WriteFile(at, []byte(content), 0o644))
		harness.Must(t, os.Chtimes(at, time.Time{}, time.Now().Add(-age)))
	}
	arrive("new, whole.csv", harness.Header+harness.Row(1), time.Minute)
	arrive("growing.csv", harness.Header, 0)
	m := p.OK("inbox").Manifest(t)
	if len(m.Outputs) != 1 || m.Counts.In != 1 || !strings.HasPrefix(m.Outputs[0].URL, "file:///") ||
		!strings.HasSuffix(m.Outputs[0].URL, "whole.csv") {
		t.Fatalf("the first look: %+v", m)
	}
	first := m.Outputs[0]
	p.OK("validate", "--out", "out", first.URL) // what is listed can be read
	take := first.Name + "=" + first.URL
	for range 2 {
		if m := p.OK("inbox", "--take", take, "--manifest", "took.json").Manifest(t); m.Counts.In != 1 ||
			m.Outputs[0].Name != first.Name {
			t.Errorf("take: %+v", m)
		}
	}
	code, r := p.Run("inbox")
	if m := r.Manifest(t); code != fault.ExitNothing || m.Status != "nothing" ||
		!strings.Contains(r.LastLog(t).Error, "no new file") {
		t.Errorf("after it was taken: exit %d, %+v", code, m)
	}
	if m := p.OK("inbox", "--settle", "0s").Manifest(t); len(m.Outputs) != 1 ||
		!strings.HasSuffix(m.Outputs[0].URL, "growing.csv") {
		t.Errorf("with nothing to settle: %+v", m)
	}
	arrive("new, whole.csv", harness.Header+harness.Row(2), 30*time.Second)
	if m := p.OK("inbox").Manifest(t); m.Outputs[0].Name == first.Name {
		t.Errorf("a changed file has the old id: %+v", m)
	}
	if code, r := p.Run("inbox", "--inbox", "nowhere"); code != fault.ExitData ||
		!strings.Contains(r.LastLog(t).Next, "--inbox") {
		t.Errorf("an inbox that is not there: exit %d\n%s", code, r.Stderr.String())
	}
	for _, args := range [][]string{{"inbox", "--take", "x=y"}, {"inbox", "--taken", ""}, {"inbox", "--inbox", ""}} {
		if code, r := p.Run(args...); code != fault.ExitUsage {
			t.Errorf("%v: exit %d\n%s", args, code, r.Stderr.String())
		}
	}
}

// The same in an object store.
func TestInboxInABucket(t *testing.T) {
	backend := s3mem.New()
	harness.Must(t, backend.CreateBucket("bank"))
	s3 := httptest.NewServer(gofakes3.New(backend).Server())
	defer s3.Close()
	url := func(key string) string { return "s3://bank/" + key + "?region=eu-west-3&endpoint=" + s3.URL }
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"TXFLOW_TAKEN=" + url("in/taken"), "TXFLOW_INBOX_SETTLE=0s"}}
	for _, key := range []string{"in/a.csv", "in/.a.csv", "in/b.csv.gz", "in/deep/c.csv", "other/d.csv"} {
		_, err := backend.PutObject("bank", key, nil, strings.NewReader("x"), 1, nil)
		harness.Must(t, err)
	}
	m := p.OK("inbox", "--inbox", url("in")).Manifest(t)
	if len(m.Outputs) != 2 {
		t.Fatalf("%+v", m.Outputs)
	}
	p.OK("inbox", "--take", m.Outputs[0].Name+"="+m.Outputs[0].URL)
	if again := p.OK("inbox", "--inbox", url("in/*.csv*")).Manifest(t); len(again.Outputs) != 1 ||
		again.Outputs[0] != m.Outputs[1] {
		t.Errorf("after one was taken: %+v", again.Outputs)
	}
}

// A run is reclassified by a model that gives every row the next category: compare tells it before load does it.
func TestCompareByHand(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	next, err := server.New(server.Config{ModelVersion: "hash-v2", Rotate: 1})
	harness.Must(t, err)
	other := httptest.NewServer(next)
	defer other.Close()
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "old.csv"),
		[]byte(harness.Header+harness.Row(1)+harness.Row(2)+harness.Row(3)), 0o644))
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "all.csv"),
		[]byte(harness.Header+harness.Row(1)+harness.Row(2)+harness.Row(3)+harness.Row(4)), 0o644))
	w.OK("run", "old.csv")
	w.OK("validate", "--run-id", "again", "all.csv")
	w.OK("split", "out/again")
	if code, r := w.Run("compare", "out/again"); code != fault.ExitData ||
		r.LastLog(t).Next != "run txflow classify first" {
		t.Errorf("before classify: exit %d\n%s", code, r.Stderr.String())
	}
	w.OK("classify", "--ml-url", other.URL, "out/again")
	m := w.OK("compare", "out/again").Manifest(t)
	if m.ChangedShare == nil || *m.ChangedShare != 1 || m.Counts.In != 4 || len(m.Outputs) != 1 {
		t.Fatalf("%+v", m)
	}
	var report compare.Report
	content, err := os.ReadFile(filepath.Join(w.Dir, m.Outputs[0].URL))
	harness.Must(t, err)
	harness.Must(t, json.Unmarshal(content, &report))
	if report.Known != 3 || report.New != 1 || report.Changed != 3 ||
		fmt.Sprint(report.Models) != "[{hash-v1 hash-v2 3}]" {
		t.Errorf("%+v", report)
	}
	code, r := w.Run("compare", "--max-changed", "0.5", "--chunks", "out/again/chunks.json")
	if last := r.LastLog(t); code != fault.ExitData || !strings.Contains(last.Error, "3 stored rows") || last.Next == "" ||
		*r.Manifest(t).ChangedShare != 1 {
		t.Errorf("over the limit: exit %d, %+v", code, last)
	}
	w.OK("load", "out/again")
	if m := w.OK("compare", "--max-changed", "0", "out/again").Manifest(t); *m.ChangedShare != 0 {
		t.Errorf("after load: %+v", m)
	}
	if got := w.SQL("SELECT task, status, exit_code FROM task_runs FINAL WHERE run_id = 'again' ORDER BY task"); got !=
		"classify\tdone\t0\ncompare\tdone\t0\nload\tdone\t0\nsplit\tdone\t0\nvalidate\tdone\t0" {
		t.Errorf("the history:\n%s", got)
	}
}

// Every try is in the history, also one that failed before it began, and one that was stopped.
func TestEveryTryIsInTheHistory(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	var rows strings.Builder
	rows.WriteString(harness.Header)
	for i := range 3000 {
		rows.WriteString(harness.Row(i + 1))
	}
	code, r := w.Run("validate", "--run-id", "r", "*.csv")
	if last := r.LastLog(t); code != fault.ExitData || !strings.Contains(last.Error, "no file matches") ||
		last.ExitCode != code {
		t.Errorf("no file: exit %d, %+v", code, last)
	}
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "in.csv"), []byte(rows.String()), 0o644))
	w.OK("validate", "--run-id", "r", "--try", "2", "*.csv")
	w.OK("split", "out/r")
	if code, _ := w.Run("classify", "--ml-url", "http://127.0.0.1:1", "--ml-outage", "0s",
		"out/r"); code != fault.ExitUnavailable && code != fault.ExitTryAgain {
		t.Errorf("without the ML API: exit %d", code)
	}
	w.API.Slow(300 * time.Millisecond)
	started := w.Start("classify", "--try", "2", "out/r")
	for deadline := time.Now().Add(time.Minute); w.Recorded("r") == 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was recorded\n%s", started.Stderr.String())
		}
	}
	started.Terminate(t)
	at := time.Now()
	if code := started.Wait(t); code != fault.ExitInterrupted || time.Since(at) > time.Minute ||
		started.Manifest(t).Status != "failed" {
		t.Errorf("stopped: exit %d after %s\n%s", code, time.Since(at), started.Stderr.String())
	}
	kept := w.Recorded("r")
	w.API.Harm.Store(nil)
	before := w.API.Asked.Load()
	harness.Place{T: t, Dir: w.Dir, Env: append(w.Env, "TXFLOW_TRY=3")}.OK("classify", "out/r")
	if asked := w.API.Asked.Load() - before; kept == 0 || asked != 3000-kept {
		t.Errorf("%d answers were kept and %d of 3000 asked again", kept, asked)
	}
	got := w.SQL("SELECT task, try, status, exit_code IN (69, 75) ? 0 : exit_code FROM task_runs FINAL WHERE run_id = " +
		"'r' ORDER BY task, try")
	if want := "classify\t1\tfailed\t0\nclassify\t2\tfailed\t130\nclassify\t3\tdone\t0\nsplit\t1\tdone\t0\n" +
		"validate\t1\tfailed\t65\nvalidate\t2\tdone\t0"; got != want {
		t.Errorf("the history:\n%s\nwant\n%s", got, want)
	}
}

// A history that can not be written costs a warning, and no task.
func TestAHistoryThatIsUnavailableFailsNoTask(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"CLICKHOUSE_URL=http://127.0.0.1:1"}}
	harness.Must(t, os.WriteFile(filepath.Join(p.Dir, "in.csv"), []byte(harness.Header+harness.Row(1)), 0o644))
	if r := p.OK("validate", "in.csv"); !strings.Contains(r.Stderr.String(), "not in the history") ||
		r.Manifest(t).Status != "done" {
		t.Errorf("%s", r.Stderr.String())
	}
}

func TestTraceByHand(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	answer, err := os.ReadFile(filepath.Join(harness.Repository, "otel/jaegerapi/testdata/trace.json"))
	harness.Must(t, err)
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "in.csv"), []byte(harness.Header+harness.Row(1)), 0o644))
	traced := w.OK("run", "in.csv").Record(t)
	jaeger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/services" {
			_, _ = rw.Write([]byte(`{"data":["ml-api","txflow-run"],"total":2}`))
			return
		}
		if r.URL.Path != "/api/traces/"+traced.TraceID {
			rw.WriteHeader(http.StatusNotFound)
			_, _ = rw.Write([]byte(`{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}`))
			return
		}
		_, _ = rw.Write(answer)
	}))
	defer jaeger.Close()
	w.Env = append(w.Env, "JAEGER_URL="+jaeger.URL)
	traces := harness.Place{T: t, Dir: w.Dir, Env: append(w.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+jaeger.URL)}
	if text := traces.OK("doctor").Stdout.String(); !strings.Contains(text, "traces of 2 services at "+jaeger.URL) {
		t.Errorf("doctor:\n%s", text)
	}
	text := w.OK("trace", traced.RunID).Stdout.String()
	for _, line := range []string{"trace " + traced.TraceID,
		"└─ txflow-classify: task classify  900ms  ok  chunk 0  try 1  rows 3000  linked to trace " +
			"4bf92f3577b34da6a3ce929d0e0e4736",
		"   ├─ txflow-classify: POST /predict  90ms  ok  batch 500  attempt 1  model hash-v1  outcome answered  http 200",
		"   │  └─ ml-api: POST /predict  80ms  ok  batch 500  outcome answered  http 200",
		"   ├─ … 2 more POST /predict",
		"   └─ txflow-classify: POST /predict  90ms  FAILED  batch 500  attempt 1  outcome again  http 503  error 503 " +
			"Service Unavailable"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%q is missing:\n%s", line, text)
		}
	}
	if text := w.OK("trace", "--all", traced.TraceID).Stdout.String(); strings.Contains(text, "more") ||
		strings.Count(text, "POST /predict") != 12 {
		t.Errorf("--all:\n%s", text)
	}
	if text := w.OK("trace", "--json", traced.RunID).Stdout.String(); !json.Valid([]byte(text)) ||
		!strings.Contains(text, "processes") {
		t.Errorf("--json:\n%s", text)
	}
	for _, c := range []struct {
		args []string
		code int
		next string
	}{
		{[]string{"nobody"}, fault.ExitNothing, "txflow runs"},
		{[]string{strings.Repeat("a", 32)}, fault.ExitNothing, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{[]string{"--jaeger-url", "http://127.0.0.1:1", traced.RunID}, fault.ExitUnavailable, "--jaeger-url"},
		{nil, fault.ExitUsage, "txflow trace RUN_ID"},
	} {
		code, r := w.Run(append([]string{"trace"}, c.args...)...)
		if last := r.LastLog(t); code != c.code || !strings.Contains(last.Next, c.next) {
			t.Errorf("%v: exit %d, %+v", c.args, code, last)
		}
	}
}
