package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/batch"
)

// asMain makes the test binary be txflow itself, so that processes that are killed run under the race detector too.
const asMain = "TXFLOW_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(app.Main(commands.App(), os.Args))
	}
	commandsText = commandsPage(commands.App()) // before a test runs one: flags keep what they are set to
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
	return p.launch(stdin, nil, args...)
}

// startTo is start with another stdout.
func (p place) startTo(stdout io.Writer, args ...string) *process {
	return p.launch(nil, stdout, args...)
}

func (p place) launch(stdin io.Reader, stdout io.Writer, args ...string) *process {
	p.t.Helper()
	self, err := os.Executable()
	must(p.t, err)
	run := &process{cmd: exec.Command(self, args...), ended: make(chan struct{})}
	run.cmd.Dir = p.dir
	run.cmd.Env = append([]string{asMain + "=1", "HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"),
		"XDG_CACHE_HOME=" + os.Getenv("XDG_CACHE_HOME"),
		"TXFLOW_ENGINE_DIR=" + os.Getenv("TXFLOW_ENGINE_DIR"), "TXFLOW_ENGINE_LIB=" + os.Getenv("TXFLOW_ENGINE_LIB")},
		p.env...)
	run.cmd.Stdin, run.cmd.Stdout, run.cmd.Stderr = stdin, &run.stdout, &run.stderr
	if stdout != nil {
		run.cmd.Stdout = stdout
	}
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

const killLimit = 2 * time.Minute

// killWhen kills the process at the moment that a condition holds; it reports whether the process still ran.
func (r *process) killWhen(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(killLimit); time.Now().Before(deadline); {
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
	t.Fatalf("after %s still not: %s", killLimit, what)
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
	p := place{t: t, dir: dir}.start("platform", "--data", filepath.Join(dir, "platform"), "--clickhouse-addr", addr,
		"--kafka-addr", "", "--registry-addr", "")
	return p, p.find(t, &p.stdout, `CLICKHOUSE_URL=(\S+)`)
}

// record is the JSON line that a run ends with.
func (r *process) record(t *testing.T) (record ledger.RunRecord) {
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
