package cli

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// TestTheEngineIsSilentOnATerminal starts the platform, which migrates, as a user does: on a terminal. The engine used
// to write lines of its own there, among the progress.
func TestTheEngineIsSilentOnATerminal(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	harness.Must(t, err)
	cmd := exec.Command(self, "platform", "--data", t.TempDir(), "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr",
		"", "--registry-addr", "")
	cmd.Env = append(os.Environ(), harness.AsMain+"=1", harness.NoSleepAtExit)
	screen, err := pty.Start(cmd)
	harness.Must(t, err)
	var shown harness.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&shown, screen) // it ends with an error when the process does
		close(read)
	}()
	run := &harness.Process{Cmd: cmd, Ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the exit code does not matter
		close(run.Ended)
	}()
	t.Cleanup(run.Kill)
	run.Find(t, &shown, `CLICKHOUSE_URL=(\S+)`)
	harness.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-run.Ended:
	case <-time.After(time.Minute):
		t.Error("the platform did not end in a minute")
	}
	run.Kill()
	harness.Must(t, screen.Close())
	<-read
	if line := regexp.MustCompile(`.*(ThreadStatus|Fatal).*`).FindString(shown.String()); line != "" {
		t.Errorf("the engine wrote to the terminal: %s", line)
	}
}
