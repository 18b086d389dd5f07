// Package harness runs the real txflow as processes, with the services that it needs, for the tests beside it.
package harness

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

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/ledger"
)

// AsMain makes the test binary be txflow itself, so that processes that are killed run under the race detector too.
const AsMain = "TXFLOW_TEST_AS_MAIN"

// NoSleepAtExit is the GORACE of processes that a test starts: the race detector lets a program sleep for a second at
// its end otherwise, and the tests start a thousand of them.
const NoSleepAtExit = "GORACE=atexit_sleep_ms=0"

// Main runs the tests of a package; the binary that Place starts as txflow is txflow instead.
func Main(m *testing.M) {
	if os.Getenv(AsMain) != "" {
		os.Exit(app.Main(commands.App(), os.Args))
	}
	os.Exit(m.Run())
}

// Process is a txflow that runs by itself.
type Process struct {
	Cmd            *exec.Cmd
	Stdout, Stderr Buffer
	Ended          chan struct{}
}

// Buffer is a buffer that several goroutines may use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (s *Buffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *Buffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Place is a folder with what processes in it need to know.
type Place struct {
	T   *testing.T
	Dir string
	Env []string
}

// Start starts txflow with arguments, in the folder.
func (p Place) Start(args ...string) *Process { return p.StartWith(nil, args...) }

// StartWith is Start with a stdin.
func (p Place) StartWith(stdin io.Reader, args ...string) *Process {
	return p.launch(stdin, nil, args...)
}

// StartTo is Start with another stdout.
func (p Place) StartTo(stdout io.Writer, args ...string) *Process {
	return p.launch(nil, stdout, args...)
}

// launch is Start with a stdin and another stdout.
func (p Place) launch(stdin io.Reader, stdout io.Writer, args ...string) *Process {
	p.T.Helper()
	self, err := os.Executable()
	Must(p.T, err)
	run := &Process{Cmd: exec.Command(self, args...), Ended: make(chan struct{})}
	run.Cmd.Dir = p.Dir
	run.Cmd.Env = append([]string{AsMain + "=1", NoSleepAtExit, "HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"),
		"XDG_CACHE_HOME=" + os.Getenv("XDG_CACHE_HOME"),
		"TXFLOW_ENGINE_DIR=" + os.Getenv("TXFLOW_ENGINE_DIR"), "TXFLOW_ENGINE_LIB=" + os.Getenv("TXFLOW_ENGINE_LIB")},
		p.Env...)
	run.Cmd.Stdin, run.Cmd.Stdout, run.Cmd.Stderr = stdin, &run.Stdout, &run.Stderr
	if stdout != nil {
		run.Cmd.Stdout = stdout
	}
	Must(p.T, run.Cmd.Start())
	go func() {
		_ = run.Cmd.Wait() // the exit code is asked for later
		close(run.Ended)
	}()
	p.T.Cleanup(run.Kill)
	return run
}

// Run waits for the end and returns the exit code; -1 for one that was killed.
func (p Place) Run(args ...string) (int, *Process) {
	p.T.Helper()
	r := p.Start(args...)
	return r.Wait(p.T), r
}

// OK runs what must succeed.
func (p Place) OK(args ...string) *Process {
	p.T.Helper()
	code, r := p.Run(args...)
	if code != 0 {
		p.T.Fatalf("txflow %s: exit %d\n%s", strings.Join(args, " "), code, r.Stderr.String())
	}
	return r
}

// Wait waits for the end and returns the exit code.
func (r *Process) Wait(t *testing.T) int {
	t.Helper()
	select {
	case <-r.Ended:
	case <-time.After(2 * time.Minute):
		r.Kill()
		t.Fatalf("%s did not end in two minutes\n%s", r.Cmd, r.Stderr.String())
	}
	return r.Cmd.ProcessState.ExitCode()
}

// Kill is kill -9.
func (r *Process) Kill() {
	_ = r.Cmd.Process.Kill() // it may have ended by itself
	<-r.Ended
}

// KillLimit is how long killWhen waits.
const KillLimit = 2 * time.Minute

// KillWhen kills the process at the moment that a condition holds; it reports whether the process still ran.
func (r *Process) KillWhen(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(KillLimit); time.Now().Before(deadline); {
		if holds() {
			r.Kill()
			if r.Cmd.ProcessState.ExitCode() >= 0 {
				t.Fatalf("it ended before it could be killed when %s\n%s", what, r.Stderr.String())
			}
			return
		}
		select {
		case <-r.Ended:
			t.Fatalf("it ended before %s\n%s", what, r.Stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("after %s still not: %s", KillLimit, what)
}

// Terminate is SIGTERM.
func (r *Process) Terminate(t *testing.T) {
	t.Helper()
	Must(t, r.Cmd.Process.Signal(syscall.SIGTERM))
}

// Find waits until a pattern stands in what a process printed, and returns its first group.
func (r *Process) Find(t *testing.T, from *Buffer, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(from.String()); m != nil {
			return m[1]
		}
		select {
		case <-r.Ended:
			t.Fatalf("it ended without printing %s\n%s", pattern, r.Stderr.String())
		default:
		}
	}
	t.Fatalf("%s was not printed\n%s", pattern, r.Stderr.String())
	return ""
}

// StartPlatform starts ClickHouse as a process and returns its URL.
func StartPlatform(t *testing.T, dir, addr string) (*Process, string) {
	t.Helper()
	p := Place{T: t, Dir: dir}.Start("platform", "--data", filepath.Join(dir, "platform"), "--clickhouse-addr", addr,
		"--kafka-addr", "", "--registry-addr", "")
	return p, p.Find(t, &p.Stdout, `CLICKHOUSE_URL=(\S+)`)
}

// Record is the JSON line that a run ends with.
func (r *Process) Record(t *testing.T) (record ledger.RunRecord) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
	Must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &record))
	return record
}

// Failure is the line that the log of a command that failed ends with.
type Failure struct {
	Error    string `json:"error"`
	Next     string `json:"next"`
	ExitCode int    `json:"exit_code"`
}

// LastLog is how the log ends.
func (r *Process) LastLog(t *testing.T) (last Failure) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stderr.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Errorf("the log ends with no line of JSON: %s", lines[len(lines)-1])
	}
	return last
}

// Manifest is the last line of stdout.
func (r *Process) Manifest(t *testing.T) (m batch.Manifest) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout.String()), "\n")
	Must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &m))
	return m
}

// Must ends the test with an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
