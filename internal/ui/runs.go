package ui

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

type runRow struct {
	RunID        string     `ch:"run_id" json:"run_id"`
	Pipeline     string     `ch:"pipeline" json:"pipeline"`
	Source       string     `ch:"source" json:"source"`
	Status       string     `ch:"status" json:"status"`
	Files        uint32     `ch:"files" json:"files"`
	In           uint64     `ch:"rows_in" json:"in"`
	Accepted     uint64     `ch:"accepted" json:"accepted"`
	Rejected     uint64     `ch:"rejected" json:"rejected"`
	Duplicates   uint64     `ch:"duplicates" json:"duplicates"`
	DeadLettered uint64     `ch:"dead_lettered" json:"dead_lettered"`
	Stored       uint64     `ch:"stored" json:"stored"`
	Error        string     `ch:"error" json:"error,omitempty"`
	TraceID      string     `ch:"trace_id" json:"trace_id,omitempty"`
	StartedAt    time.Time  `ch:"started_at" json:"started_at"`
	FinishedAt   *time.Time `ch:"finished_at" json:"finished_at,omitempty"`
}

// Path is the run's address.
func (r *runRow) Path() string { return runPath(r.RunID) }

// Took is how long it ran, "" while it does.
func (r *runRow) Took() string {
	if r.FinishedAt == nil {
		return ""
	}
	return duration(r.FinishedAt.Sub(r.StartedAt))
}

// runStates are those that a run may have, as the filter offers them.
var runStates = []string{"running", "done", "failed", "interrupted"}

func runValues(limit int) values {
	return values{"run": "", "source": "", "status": "", "before": "", "before_run": "", "limit": strconv.Itoa(limit)}
}

// runsView is the list of runs.
type runsView struct {
	Runs     []runRow
	States   []string
	Filtered bool
}

func (u *UI) runsPage(r *http.Request) (*page, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	ask := runValues(n + 1)
	if ask["status"] = q.Get("status"); ask["status"] != "" && !slices.Contains(runStates, ask["status"]) {
		return nil, fault.Failf(fault.ExitUsage, "a run's status is one of %s", strings.Join(runStates, ", "))
	}
	ask["source"] = q.Get("source")
	if key := q.Get("before"); key != "" {
		ms, run, ok := strings.Cut(key, "~")
		if _, err := strconv.ParseInt(ms, 10, 64); err != nil || !ok {
			return nil, badKey("before")
		}
		ask["before"], ask["before_run"] = ms, run
	}
	found, err := rows[runRow](r.Context(), u.cfg.DB, "runs", ask)
	if err != nil {
		return nil, err
	}
	p := &page{View: "runs", Title: "Runs", Section: "Runs"}
	if len(found) > n {
		found = found[:n]
		last := found[n-1]
		p.Next = with(r, "before", fmt.Sprintf("%d~%s", last.StartedAt.UnixMilli(), last.RunID))
	}
	p.Data = &runsView{Runs: found, States: runStates, Filtered: ask["status"] != "" || ask["source"] != "" ||
		ask["before"] != ""}
	p.Parts = []Part{{"runs", found}}
	return p, nil
}

func badKey(name string) error {
	return fault.WithHint(fault.Failf(fault.ExitUsage, "the parameter %s is not one of this page's", name),
		"follow the link to the next rows")
}
