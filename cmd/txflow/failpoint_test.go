package main

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
)

// dies waits for a process to end by a signal as it should: SIGTERM in good order.
func (r *process) dies(t *testing.T, signal syscall.Signal) {
	t.Helper()
	want := -1
	if signal == syscall.SIGTERM {
		want = 0
		if slices.Contains(r.cmd.Args, "produce") { // rows are left
			want = fault.ExitTryAgain
		}
	}
	if code := r.wait(t); code != want {
		t.Fatalf("%v: exit %d, want %d\n%s", signal, code, want, r.stderr.String())
	}
}

// diesAt waits for a process to end by the signal of its fail point, and at that point.
func (r *process) diesAt(t *testing.T, p failpoint.Point) {
	t.Helper()
	r.dies(t, p.Signal)
	for line := range strings.Lines(r.stderr.String()) {
		var got failpoint.Reached
		if json.Unmarshal([]byte(line), &got) == nil &&
			got == (failpoint.Reached{Event: "fail_point", Name: p.Name, Nth: p.Nth}) {
			return
		}
	}
	t.Fatalf("it ended without reaching the fail point %s for the %d. time\n%s", p.Name, p.Nth, r.stderr.String())
}

func (r *process) running() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}
