package batch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

const faultRows = 8000

// faults are practised on real processes. Each returns what the user saw; afterwards all that is stored must be what an
// undisturbed run stores.
type faultCase struct {
	name   string // in the report
	harm   string // in the report
	commit func(f *faultTest)
}

// faultTest is one fault at work.
type faultTest struct {
	*harness.Workbench
	file string
	runs []string // ids of runs that must be complete in the end
	saw  []string // what the user saw, for the report
}

// see notes what a command ended with: its exit code and the last line that says why.
func (f *faultTest) see(code int, r *harness.Process) {
	f.T.Helper()
	said := ""
	if code > 0 {
		lines := strings.Split(r.LastLog(f.T).Error, "\n")
		if said = lines[0]; len(lines) > 1 && (strings.HasSuffix(said, " mismatches") ||
			strings.HasSuffix(said, " mismatch")) {
			said += ", the first: " + strings.TrimSpace(lines[1])
		}
	}
	switch {
	case code < 0:
		f.saw = append(f.saw, "killed")
	case said == "":
		f.saw = append(f.saw, fmt.Sprintf("exit %d", code))
	default:
		said = strings.NewReplacer(f.Dir, "…", filepath.Dir(f.file), "…", f.API.URL, "http://ml-api",
			strings.TrimSuffix(strings.TrimPrefix(f.ClickHouse, "http://"), "/?database=txflow"), "clickhouse").Replace(said)
		f.saw = append(f.saw, fmt.Sprintf("exit %d: %s", code, said))
	}
}

// expect runs a command that must end with an exit code, and notes what the user sees.
func (f *faultTest) expect(want int, args ...string) *harness.Process {
	f.T.Helper()
	code, r := f.Run(args...)
	if code != want {
		f.T.Fatalf("txflow %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, r.Stderr.String())
	}
	f.see(code, r)
	return r
}

// goOn runs a run again under its id; it must succeed.
func (f *faultTest) goOn() *harness.Process {
	f.T.Helper()
	return f.expect(0, "run", "--run-id", "r1", f.file)
}

// noDeadLetters checks that an outage made none.
func (f *faultTest) noDeadLetters() {
	f.T.Helper()
	if got := f.SQL("SELECT count() FROM dead_letters FINAL WHERE outcome = 'dead_letter'"); got != "0" {
		f.T.Errorf("%s dead letters for an outage", got)
	}
}

// killRun starts a run and kills it when something holds.
func (f *faultTest) killRun(what string, holds func(r *harness.Process) bool) {
	f.T.Helper()
	r := f.Start("run", "--run-id", "r1", f.file)
	r.KillWhen(f.T, what, func() bool { return holds(r) })
	f.see(-1, r)
}

// TestFaults commits every fault and checks that nothing is lost and nothing doubled. TXFLOW_FAULT_REPORT names a file
// that the results are written to.
func TestFaults(t *testing.T) {
	platform, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	_ = platform
	file := harness.Sample(t, faultRows)
	calm := harness.NewWorkbench(t, clickhouse)
	calm.OK("run", "--run-id", "r1", file)
	want := calm.Stored("r1")
	report := newFaultReport(want)
	for _, c := range slices.Concat(faultsOfProcesses, faultsOfMLAPI, faultsOfStores) {
		t.Run(c.name, func(t *testing.T) {
			base := clickhouse
			f := &faultTest{file: file, runs: []string{"r1"}, Workbench: harness.NewWorkbench(t, base)}
			c.commit(f)
			for _, run := range f.runs {
				if got := f.Stored(run); got != want {
					t.Errorf("stored of %s\n%s\nwant\n%s", run, got, want)
				}
			}
			if !t.Failed() {
				report.add(c, f.saw)
			}
		})
	}
	if path := os.Getenv("TXFLOW_FAULT_REPORT"); path != "" && !t.Failed() {
		harness.Must(t, os.WriteFile(path, report.bytes(), 0o644))
	}
}

// finish does the tasks after split by hand.
func (f *faultTest) finish() {
	f.T.Helper()
	for _, task := range []string{"classify", "load", "reconcile"} {
		f.expect(0, task, "out/r1")
	}
}

// findings runs reconcile, which must find something of a kind and name an id.
func (f *faultTest) findings(kind string) {
	f.T.Helper()
	r := f.expect(fault.ExitData, "reconcile", "out/r1")
	if text := r.Stderr.String(); !strings.Contains(text, kind) || !strings.Contains(text, "id ") &&
		kind != "unaccounted" {
		f.T.Errorf("reconcile does not name what is %s:\n%s", kind, text)
	}
}

// repair loads again what was lost, and reconciles.
func (f *faultTest) repair() {
	f.T.Helper()
	f.expect(0, "load", "out/r1")
	f.expect(0, "reconcile", "out/r1")
}

// ownClickHouse gives a fault a ClickHouse that it may kill.
func ownClickHouse(f *faultTest, work func(platform *harness.Process, again func())) {
	f.T.Helper()
	dir := f.T.TempDir()
	platform, url := harness.StartPlatform(f.T, dir, "127.0.0.1:0")
	f.ClickHouse = url + "/?database=txflow"
	f.Env = append(f.Env, "CLICKHOUSE_URL="+f.ClickHouse)
	work(platform, func() { harness.StartPlatform(f.T, dir, strings.TrimPrefix(url, "http://")) })
}

// every changes every nth honest answer.
func every(n int64, count *atomic.Int64, change func([]map[string]any) []map[string]any) func(http.ResponseWriter,
	*http.Request, []byte, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
		if count.Add(1)%n != 0 {
			honest.ServeHTTP(w, r)
			return
		}
		answer := &answerWriter{header: http.Header{}}
		honest.ServeHTTP(answer, r)
		var answers []map[string]any
		if json.Unmarshal(answer.body, &answers) != nil || len(answers) == 0 {
			w.WriteHeader(answer.status)
			return
		}
		body, err := json.Marshal(change(answers))
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the caller may have been killed
	}
}

type answerWriter struct {
	header http.Header
	status int
	body   []byte
}

func (a *answerWriter) Header() http.Header    { return a.header }
func (a *answerWriter) WriteHeader(status int) { a.status = status }
func (a *answerWriter) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

// flip turns over one byte in the middle of the first file that matches.
func flip(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	harness.Must(t, err)
	if len(files) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	content, err := os.ReadFile(files[0])
	harness.Must(t, err)
	content[len(content)/2] ^= 1
	harness.Must(t, os.Chmod(files[0], 0o644))
	harness.Must(t, os.WriteFile(files[0], content, 0o644))
}
