package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestTheEngineIsSilentOnATerminal starts the platform, which migrates, as a user does: on a terminal. The engine used
// to write
// lines of its own there, among the progress.
func TestTheEngineIsSilentOnATerminal(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "platform", "--data", t.TempDir(), "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr",
		"", "--registry-addr", "")
	cmd.Env = append(os.Environ(), asMain+"=1")
	screen, err := pty.Start(cmd)
	must(t, err)
	var shown safeBuffer
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&shown, screen) // it ends with an error when the process does
		close(read)
	}()
	run := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the exit code does not matter
		close(run.ended)
	}()
	t.Cleanup(run.kill)
	run.find(t, &shown, `CLICKHOUSE_URL=(\S+)`)
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-run.ended:
	case <-time.After(time.Minute):
		t.Error("the platform did not end in a minute")
	}
	run.kill()
	must(t, screen.Close())
	<-read
	if line := regexp.MustCompile(`.*(ThreadStatus|Fatal).*`).FindString(shown.String()); line != "" {
		t.Errorf("the engine wrote to the terminal: %s", line)
	}
}
