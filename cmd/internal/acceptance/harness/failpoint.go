package harness

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
)

// Dies waits for a process to end by a signal as it should: SIGTERM in good order.
func (r *Process) Dies(t *testing.T, signal syscall.Signal) {
	t.Helper()
	want := -1
	if signal == syscall.SIGTERM {
		want = 0
		if slices.Contains(r.Cmd.Args, "produce") { // rows are left
			want = fault.ExitTryAgain
		}
	}
	if code := r.Wait(t); code != want {
		t.Fatalf("%v: exit %d, want %d\n%s", signal, code, want, r.Stderr.String())
	}
}

// DiesAt waits for a process to end by the signal of its fail point, and at that point.
func (r *Process) DiesAt(t *testing.T, p failpoint.Point) {
	t.Helper()
	r.Dies(t, p.Signal)
	for line := range strings.Lines(r.Stderr.String()) {
		var got failpoint.Reached
		if json.Unmarshal([]byte(line), &got) == nil &&
			got == (failpoint.Reached{Event: "fail_point", Name: p.Name, Nth: p.Nth}) {
			return
		}
	}
	t.Fatalf("it ended without reaching the fail point %s for the %d. time\n%s", p.Name, p.Nth, r.Stderr.String())
}

// Running reports whether it has not ended.
func (r *Process) Running() bool {
	select {
	case <-r.Ended:
		return false
	default:
		return true
	}
}

// ChaosRows is set to how many rows a case has, to run all cases.
const ChaosRows = "TXFLOW_CHAOS_ROWS"

// The points of a Kafka transaction at which members die.
var (
	AfterPoll     = failpoint.Point{Name: failpoint.Polled, Nth: 3}
	DuringCall    = failpoint.Point{Name: failpoint.Polled, Nth: 3, Late: 20 * time.Millisecond}
	BeforeProduce = failpoint.Point{Name: failpoint.Producing, Nth: 3}
	AfterProduce  = failpoint.Point{Name: failpoint.Produced, Nth: 3, Held: 200 * time.Millisecond}
	BeforeCommit  = failpoint.Point{Name: failpoint.Committing, Nth: 3}
	DuringCommit  = failpoint.Point{Name: failpoint.Committing, Nth: 3, Late: 2 * time.Millisecond}
	AfterCommit   = failpoint.Point{Name: failpoint.Committed, Nth: 3}
)
