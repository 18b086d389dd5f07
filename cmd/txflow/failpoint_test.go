package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// failPointEnv tells a process of this test binary where to end itself, as failPoint.env writes it.
const failPointEnv = "TXFLOW_TEST_FAIL_POINT"

// failPoint is where a member of the group ends: at a step of a transaction, which it finds in its own log.
type failPoint struct {
	step string
	nth  int32         // passage of the step
	held time.Duration // the member stands still for so long first; librdkafka's own threads go on
	late time.Duration // or it goes on for so long
}

func (f failPoint) env(signal syscall.Signal) string {
	return fmt.Sprint(failPointEnv, "=", f.step, " ", f.nth, " ", int64(f.held), " ", int64(f.late), " ", int(signal))
}

// deadlyLog is the stderr of a process that ends itself.
type deadlyLog struct {
	io.Writer
	failPoint
	signal syscall.Signal
	passed atomic.Int32
}

// logOf returns the stderr of a process, which is deadly if the environment says so.
func logOf(w io.Writer) io.Writer {
	text := os.Getenv(failPointEnv)
	if text == "" {
		return w
	}
	d := &deadlyLog{Writer: w}
	if _, err := fmt.Sscan(text, &d.step, &d.nth, &d.held, &d.late, &d.signal); err != nil {
		panic(err)
	}
	return d
}

// Write ends the process behind the line of the step.
func (d *deadlyLog) Write(line []byte) (int, error) {
	n, err := d.Writer.Write(line)
	if bytes.Contains(line, []byte(`"step":"`+d.step+`"`)) && d.passed.Add(1) == d.nth {
		end := func() { _ = syscall.Kill(os.Getpid(), d.signal) } // a process may always signal itself
		if d.late > 0 {
			time.AfterFunc(d.late, end)
		} else {
			<-time.After(d.held)
			end()
		}
	}
	return n, err
}

// dies waits for a member to end by a signal as it should: SIGTERM in good order.
func (r *process) dies(t *testing.T, signal syscall.Signal) {
	t.Helper()
	want := -1
	if signal == syscall.SIGTERM {
		want = 0
	}
	if code := r.wait(t); code != want {
		t.Fatalf("%v: exit %d, want %d\n%s", signal, code, want, r.stderr.String())
	}
}

func (r *process) running() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}
