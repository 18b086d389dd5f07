package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/ml_api/server"
)

// asMain makes the test binary be txflow itself, so that processes that are killed run under the race detector too.
const asMain = "TXFLOW_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(app.Main(application(), os.Args))
	}
	os.Exit(m.Run())
}

// process is a txflow that runs by itself.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr safeBuffer
	ended          chan struct{}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// place is a folder with what processes in it need to know.
type place struct {
	t   *testing.T
	dir string
	env []string
}

func (p place) start(args ...string) *process { return p.startWith(nil, args...) }

func (p place) startWith(stdin io.Reader, args ...string) *process {
	p.t.Helper()
	self, err := os.Executable()
	must(p.t, err)
	run := &process{cmd: exec.Command(self, args...), ended: make(chan struct{})}
	run.cmd.Dir = p.dir
	run.cmd.Env = append([]string{asMain + "=1", "HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + os.Getenv("XDG_CACHE_HOME"),
		"TXFLOW_ENGINE_DIR=" + os.Getenv("TXFLOW_ENGINE_DIR"), "TXFLOW_ENGINE_LIB=" + os.Getenv("TXFLOW_ENGINE_LIB")}, p.env...)
	run.cmd.Stdin, run.cmd.Stdout, run.cmd.Stderr = stdin, &run.stdout, &run.stderr
	must(p.t, run.cmd.Start())
	go func() {
		_ = run.cmd.Wait() // the exit code is asked for later
		close(run.ended)
	}()
	p.t.Cleanup(run.kill)
	return run
}

// run waits for the end and returns the exit code; -1 for one that was killed.
func (p place) run(args ...string) (int, *process) {
	p.t.Helper()
	r := p.start(args...)
	return r.wait(p.t), r
}

// ok runs what must succeed.
func (p place) ok(args ...string) *process {
	p.t.Helper()
	code, r := p.run(args...)
	if code != 0 {
		p.t.Fatalf("txflow %s: exit %d\n%s", strings.Join(args, " "), code, r.stderr.String())
	}
	return r
}

func (r *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(2 * time.Minute):
		r.kill()
		t.Fatalf("%s did not end in two minutes\n%s", r.cmd, r.stderr.String())
	}
	return r.cmd.ProcessState.ExitCode()
}

// kill is kill -9.
func (r *process) kill() {
	_ = r.cmd.Process.Kill() // it may have ended by itself
	<-r.ended
}

// killWhen kills the process at the moment that a condition holds; it tells whether the process still ran.
func (r *process) killWhen(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if holds() {
			r.kill()
			if r.cmd.ProcessState.ExitCode() >= 0 {
				t.Fatalf("it ended before it could be killed when %s\n%s", what, r.stderr.String())
			}
			return
		}
		select {
		case <-r.ended:
			t.Fatalf("it ended before %s\n%s", what, r.stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("after a minute still not: %s", what)
}

func (r *process) terminate(t *testing.T) {
	t.Helper()
	must(t, r.cmd.Process.Signal(syscall.SIGTERM))
}

// find waits until a pattern stands in what a process printed, and returns its first group.
func (r *process) find(t *testing.T, from *safeBuffer, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(from.String()); m != nil {
			return m[1]
		}
		select {
		case <-r.ended:
			t.Fatalf("it ended without printing %s\n%s", pattern, r.stderr.String())
		default:
		}
	}
	t.Fatalf("%s was not printed\n%s", pattern, r.stderr.String())
	return ""
}

// startPlatform starts ClickHouse as a process and returns its URL.
func startPlatform(t *testing.T, dir, addr string) (*process, string) {
	t.Helper()
	p := place{t: t, dir: dir}.start("platform", "--data", filepath.Join(dir, "platform"), "--clickhouse-addr", addr, "--kafka-addr", "", "--registry-addr", "")
	return p, p.find(t, &p.stdout, `CLICKHOUSE_URL=(\S+)`)
}

// mlAPI is the real ML API behind a door that can do harm.
type mlAPI struct {
	*httptest.Server
	asked atomic.Int64 // transactions that reached the API
	harm  atomic.Pointer[func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)]
}

func startMLServer(t *testing.T) *mlAPI {
	t.Helper()
	honest, err := server.New(server.Config{})
	must(t, err)
	api := &mlAPI{}
	api.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller was killed
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.URL.Path != "/predict" {
			honest.ServeHTTP(w, r)
			return
		}
		api.asked.Add(int64(bytes.Count(body, []byte(`"operation_type"`))))
		if harm := api.harm.Load(); harm != nil {
			(*harm)(w, r, body, honest)
			return
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	return api
}

func (a *mlAPI) harmWith(f func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)) {
	a.harm.Store(&f)
}

// slow makes every call take so long.
func (a *mlAPI) slow(by time.Duration) {
	a.harmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
		<-time.After(by)
		honest.ServeHTTP(w, r)
	})
}

// workbench is a database, an ML API and a folder, for one test.
type workbench struct {
	place
	api        *mlAPI
	clickhouse string // with the database
}

var databases atomic.Int64

func newWorkbench(t *testing.T, clickhouse string) *workbench {
	t.Helper()
	w := &workbench{api: startMLServer(t)}
	w.clickhouse = fmt.Sprintf("%s/?database=bench_%d", clickhouse, databases.Add(1))
	w.place = place{t, t.TempDir(), []string{"CLICKHOUSE_URL=" + w.clickhouse, "ML_API_URL=" + w.api.URL, "TXFLOW_SEGMENT_ROWS=500",
		"TXFLOW_BATCH_ROWS=250", "TXFLOW_MIN_ROWS=1000", "TXFLOW_CONCURRENCY=2", "TXFLOW_SOURCE=bank", "TXFLOW_MAX_REJECT_RATIO=0.5"}}
	w.ok("migrate")
	return w
}

func (w *workbench) sql(format string, args ...any) string {
	w.t.Helper()
	return strings.TrimSpace(embeddedtest.Exec(w.t, w.clickhouse, fmt.Sprintf(format, args...)))
}

// stored describes all that is stored for a run, but for the times and the run's name.
func (w *workbench) stored(runID string) string {
	w.t.Helper()
	return w.sql(`SELECT (SELECT (count(), sum(amount), groupBitXor(cityHash64(id, source_id, description, amount, timestamp, merchant, operation_type, side, category, position)))
FROM transactions FINAL), (SELECT groupArray((outcome, n, digest)) FROM (SELECT outcome, count() AS n, groupBitXor(cityHash64(position, id, content_hash, category, code)) AS digest
FROM outcomes FINAL WHERE run_id = '%s' GROUP BY outcome ORDER BY outcome)),
(SELECT (count(), groupBitXor(cityHash64(position, code, raw))) FROM dead_letters FINAL WHERE state = 'open')`, runID)
}

// recorded counts the rows whose answers are recorded in a run's folder.
func (w *workbench) recorded(runID string) (rows int64) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "out", runID, "parts", "*", "[0-9a-f]*.json"))
	must(w.t, err)
	for _, f := range files {
		content, err := os.ReadFile(f)
		must(w.t, err)
		part, err := batch.ParsePart(content)
		must(w.t, err)
		rows += int64(len(part.Categories))
	}
	return rows
}

func (w *workbench) exists(pattern string) func() bool {
	return func() bool {
		files, err := filepath.Glob(filepath.Join(w.dir, pattern))
		return err == nil && len(files) > 0
	}
}

// record is the JSON line that a run ends with.
func (r *process) record(t *testing.T) (record batch.RunRecord) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout.String()), "\n")
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &record))
	return record
}

// failure is the line that the log of a command that failed ends with.
type failure struct {
	Error    string `json:"error"`
	Next     string `json:"next"`
	ExitCode int    `json:"exit_code"`
}

func (r *process) lastLog(t *testing.T) (last failure) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stderr.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Errorf("the log ends with no line of JSON: %s", lines[len(lines)-1])
	}
	return last
}

// manifest is the last line of stdout.
func (r *process) manifest(t *testing.T) (m batch.Manifest) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout.String()), "\n")
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &m))
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample writes a file of rows, one in twenty of them odd, and returns its path.
func sample(t *testing.T, rows int) string {
	t.Helper()
	p := place{t: t, dir: t.TempDir()}
	p.ok("data", "generate", "--rows", fmt.Sprint(rows), "--dirty", "--ratio", "0.05", "--out", "in.csv")
	return filepath.Join(p.dir, "in.csv")
}
