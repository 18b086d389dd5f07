package cli

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// collector keeps what is sent to it as spans, in OTLP's binary form, in which texts stand as they are.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans bytes.Buffer
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = io.Copy(&c.spans, r.Body)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans.String()
}

// leaks searches a text for a planted one.
func leaks(t *testing.T, where, text, planted string) {
	t.Helper()
	if i := strings.Index(text, planted); i >= 0 {
		t.Errorf("%s: …%s…", where, strings.ToValidUTF8(text[max(i-150, 0):min(i+150, len(text))], "?"))
	}
}

// withUser puts credentials into a URL.
func withUser(url, password string) string {
	return strings.Replace(url, "://", "://planted:"+password+"@", 1)
}

// TestSecretsAreNotPrinted plants secrets in every address and variable, and runs the commands against dependencies
// that are dead, hostile or refuse: no output, artifact, table or span holds one.
func TestSecretsAreNotPrinted(t *testing.T) {
	const planted = "hunter2SECRET"
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	w.OK("data", "generate", "--rows", "30", "--out", "a.csv")
	w.OK("validate", "--run-id", "r1", "a.csv")
	w.OK("split", "out/r1")
	spans := startCollector(t)
	// it says back what it was sent
	hostile := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			_, _ = io.WriteString(rw, `{"model_version":"m"}`)
			return
		}
		rw.WriteHeader(http.StatusUnauthorized)
		_ = r.Header.Write(rw)
		_, _ = fmt.Fprintln(rw, r.URL, planted)
		_, _ = io.Copy(rw, r.Body)
	}))
	t.Cleanup(hostile.Close)
	const dead = "http://127.0.0.1:1"
	base := append(slices.Clone(w.Env), "OTEL_EXPORTER_OTLP_ENDPOINT="+withUser(spans.URL, planted),
		"OTEL_EXPORTER_OTLP_HEADERS=authorization="+planted, "ML_API_TOKEN="+planted+"T",
		"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY="+planted, "AWS_SESSION_TOKEN="+planted, "TXFLOW_ML_OUTAGE=0s",
		"TXFLOW_CLICKHOUSE_OUTAGE=0s", "TXFLOW_DOCTOR_TIMEOUT=1s",
		"KAFKA_BROKERS=127.0.0.1:1")
	commands := [][]string{{"classify", "out/r1"}, {"classify", "--index", "0", "out/r1"}, {"load", "out/r1"},
		{"reconcile", "out/r1"}, {"run", "a.csv"}, {"doctor"}, {"doctor", "--json"}, {"report"}, {"runs"},
		{"lineage", "1"}, {"dlq", "stats"}, {"migrate"}, {"schemas", "check"}, {"trace", "r1"},
		{"validate", "s3://b/x.csv?region=eu-west-1&endpoint=" + hostile.URL}, {"compare", "out/r1"},
		{"classify", "--help"}, {"doctor", "--help"}}
	for name, env := range map[string][]string{
		"dead": {"ML_API_URL=" + withUser(dead, planted), "CLICKHOUSE_URL=" + withUser(dead, planted),
			"SCHEMA_REGISTRY_URL=" + withUser(dead, planted), "JAEGER_URL=" + withUser(dead, planted)},
		"no ML API": {"ML_API_URL=" + withUser(dead, planted), "SCHEMA_REGISTRY_URL=" + withUser(dead, planted),
			"JAEGER_URL=" + withUser(dead, planted)},
		"hostile": {"ML_API_URL=" + withUser(hostile.URL, planted), "SCHEMA_REGISTRY_URL=" + withUser(hostile.URL, planted),
			"JAEGER_URL=" + withUser(hostile.URL, planted)},
		"no URLs": {"ML_API_URL=http://planted:" + planted + "%zz@h", "CLICKHOUSE_URL=http://planted:" + planted + "%zz@h",
			"SCHEMA_REGISTRY_URL=://" + planted, "JAEGER_URL=http://planted:" + planted + "%zz@h"},
	} {
		p := harness.Place{T: t, Dir: w.Dir, Env: append(append([]string{}, base...), env...)}
		var runs []*harness.Process
		for _, args := range commands {
			runs = append(runs, p.Start(args...))
		}
		for i, r := range runs {
			code := r.Wait(t)
			where := fmt.Sprintf("%s: txflow %s (exit %d)", name, strings.Join(commands[i], " "), code)
			leaks(t, where+", stdout", r.Stdout.String(), planted)
			leaks(t, where+", stderr", r.Stderr.String(), planted)
		}
	}
	searchFiles(t, w.Dir, func(string) bool { return true }, planted)
	for _, table := range []string{"task_runs", "runs", "dead_letters", "outcomes"} {
		leaks(t, "table "+table, w.SQL("SELECT * FROM %s FORMAT JSONEachRow", table), planted)
	}
	if w.SQL("SELECT count() FROM task_runs WHERE task = 'classify' AND error != ''") == "0" {
		t.Error("no failed try is in the history, so this test proves nothing")
	}
	if !strings.Contains(spans.text(), "url.full") {
		t.Error("no span of a call came, so this test proves nothing")
	}
	leaks(t, "spans", spans.text(), planted)
}

// searchFiles searches all files below a folder, of those that are wanted.
func searchFiles(t *testing.T, dir string, wanted func(path string) bool, planted string) {
	t.Helper()
	harness.Must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !wanted(path) {
			return err
		}
		content, err := os.ReadFile(path)
		leaks(t, path, string(content), planted)
		return err
	}))
}

// TestValuesStayWhereTheyBelong has an ML API say back what it was sent: the values of transactions are in the
// artifacts of rows and in dead letters, and in no message, manifest, history or span. Nobody else can read the
// artifacts.
func TestValuesStayWhereTheyBelong(t *testing.T) {
	const planted = "PLANTED-7f3a"
	old := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(old) })
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	spans := startCollector(t)
	for status, want := range map[int]int{http.StatusOK: fault.ExitTryAgain, http.StatusBadRequest: fault.ExitUnavailable,
		http.StatusUnauthorized:        fault.ExitUnavailable,
		http.StatusUnprocessableEntity: fault.ExitData, http.StatusInternalServerError: fault.ExitTryAgain} {
		w := harness.NewWorkbench(t, clickhouse)
		w.Env = append(w.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "TXFLOW_ML_OUTAGE=0s", "TXFLOW_LOG_LEVEL=debug",
			"TXFLOW_TEMP_DIR="+w.Dir)
		file := filepath.Join(w.Dir, "a.csv")
		harness.Must(t, os.WriteFile(file, []byte("id,description,amount,timestamp,merchant,operation_type,side\n1,"+planted+
			",-1.50,2024-01-02 03:04:05,"+planted+",payment,debit\n2,"+planted+",x,2024-01-02 03:04:05,,payment,debit\n"),
			0o600))
		w.API.HarmWith(func(rw http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
			if r.Method == http.MethodGet {
				honest.ServeHTTP(rw, r)
				return
			}
			rw.WriteHeader(status)
			_, _ = fmt.Fprintf(rw, `{"detail":[{"loc":["body",0],"msg":"no","input":%s}]}`, body)
		})
		code, r := w.Run("run", "--run-id", "r1", file)
		if code != want {
			t.Errorf("%d: exit %d, want %d\n%s", status, code, want, r.Stderr.String())
		}
		leaks(t, fmt.Sprint(status, ", stdout"), r.Stdout.String(), planted)
		leaks(t, fmt.Sprint(status, ", stderr"), r.Stderr.String(), planted)
		searchFiles(t, filepath.Join(w.Dir, "out"), func(path string) bool { // the manifests
			return strings.HasSuffix(path, ".json") && !strings.Contains(path, "/parts/")
		}, planted)
		for _, table := range []string{"task_runs", "runs", "outcomes"} {
			leaks(t, fmt.Sprint(status, ", table ", table), w.SQL("SELECT * FROM %s FORMAT JSONEachRow", table), planted)
		}
		harness.Must(t, filepath.WalkDir(filepath.Join(w.Dir, "out"), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				var info fs.FileInfo
				if info, err = os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s is %s", path, info.Mode())
				}
			}
			return err
		}))
		if got := w.SQL("SELECT count() FROM dead_letters FINAL WHERE message LIKE '%%%s%%'",
			planted); status == http.StatusUnprocessableEntity && got != "1" {
			t.Errorf("the API's words are in %s dead letters", got)
		}
	}
	if !strings.Contains(spans.text(), "txflow.outcome") {
		t.Error("no span of a call came, so this test proves nothing")
	}
	leaks(t, "spans", spans.text(), planted)
}
