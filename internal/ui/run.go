package ui

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
)

type taskRow struct {
	Task         string    `ch:"task" json:"task"`
	Index        int32     `ch:"task_index" json:"index"`
	Try          uint16    `ch:"try" json:"try"`
	Status       string    `ch:"status" json:"status"`
	ExitCode     uint8     `ch:"exit_code" json:"exit_code"`
	In           uint64    `ch:"rows_in" json:"in"`
	Accepted     uint64    `ch:"accepted" json:"accepted"`
	Rejected     uint64    `ch:"rejected" json:"rejected"`
	Duplicates   uint64    `ch:"duplicates" json:"duplicates"`
	Predicted    uint64    `ch:"predicted" json:"predicted"`
	DeadLettered uint64    `ch:"dead_lettered" json:"dead_lettered"`
	Stored       uint64    `ch:"stored" json:"stored"`
	StartedAt    time.Time `ch:"started_at" json:"started_at"`
	DurationMS   uint64    `ch:"duration_ms" json:"duration_ms"`
	TraceID      string    `ch:"trace_id" json:"trace_id,omitempty"`
	Error        string    `ch:"error" json:"error,omitempty"`
	Manifest     string    `ch:"manifest" json:"-"`
	X, W         float64   `json:"-"` // on the time line, in percent
}

type issueRow struct {
	Outcome string  `ch:"outcome" json:"outcome"`
	Code    string  `ch:"code" json:"reason"`
	Column  string  `ch:"column" json:"column"`
	Rows    uint64  `ch:"rows" json:"rows"`
	Open    uint64  `ch:"open" json:"open"`
	Share   float64 `json:"-"`
}

type rejectedRow struct {
	Origin    string    `ch:"origin" json:"origin"`
	Digest    string    `ch:"origin_digest" json:"origin_digest"`
	Partition int32     `ch:"partition" json:"-"`
	Position  uint64    `ch:"position" json:"line"`
	Outcome   string    `ch:"outcome" json:"outcome"`
	Column    string    `ch:"column" json:"column"`
	Code      string    `ch:"code" json:"reason"`
	Message   string    `ch:"message" json:"message"`
	SourceID  string    `ch:"source_id" json:"source_id"`
	State     string    `ch:"state" json:"state"`
	RawBytes  uint64    `ch:"raw_bytes" json:"raw_bytes"`
	Raw       string    `ch:"raw_text" json:"raw,omitempty"`
	FirstSeen time.Time `ch:"first_seen" json:"first_seen"`
}

type artifactRow struct {
	Task   string `json:"task"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// findingRow is a line of what reconcile found.
type findingRow struct {
	Finding string `json:"finding"`
}

// funnelStep is a step of a run's rows: how many are left, and what left them here.
type funnelStep struct {
	Name   string
	Rows   uint64
	Share  float64
	Class  string
	Losses []funnelLoss
}

type funnelLoss struct {
	Name  string
	Rows  uint64
	Share float64
	Class string
	To    string
}

// runView is one run.
type runView struct {
	Run       runRow
	Recorded  bool // the run has an entry of its own; without one it is known by its tasks
	Tasks     []taskRow
	Start     time.Time
	Span      time.Duration
	Ticks     []label
	Funnel    []funnelStep
	Issues    []issueRow
	Rejected  []rejectedRow
	Findings  []findingRow
	Reconcile string // "done", "failed" or "" where it did not run
	Artifacts []artifactRow
	Traces    []string
	Airflow   string // address of the run there
	ErrorText []string
}

const shownRejected = 10

func (u *UI) runPage(r *http.Request) (*page, error) {
	ctx, id := r.Context(), r.PathValue("run")
	ask := runValues(1)
	ask["run"] = id
	v := &runView{}
	var err error
	if v.Run, v.Recorded, err = one[runRow](ctx, u.cfg.DB, "runs", ask); err != nil {
		return nil, err
	}
	if v.Tasks, err = rows[taskRow](ctx, u.cfg.DB, "run_tasks", values{"run": id}); err != nil {
		return nil, err
	}
	if !v.Recorded && (len(v.Tasks) == 0 || id == "") {
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "there is no run %s", plain(id)),
			"txflow runs lists the runs")
	}
	if !v.Recorded {
		v.Run = runOfTasks(id, v.Tasks)
	}
	if v.Issues, err = rows[issueRow](ctx, u.cfg.DB, "run_issues", values{"run": id}); err != nil {
		return nil, err
	}
	if v.Rejected, err = u.rejected(ctx, id, "", false, nil, shownRejected); err != nil {
		return nil, err
	}
	v.addTimeline(u.cfg.Now())
	v.addFunnel()
	v.readTasks()
	v.Airflow = airflowRun(u.cfg.Airflow, id)
	for line := range strings.Lines(v.Run.Error) {
		v.ErrorText = append(v.ErrorText, strings.TrimSpace(line))
	}
	for i := range v.Issues {
		v.Issues[i].Share = share(float64(v.Issues[i].Rows), float64(v.Issues[0].Rows))
	}
	p := &page{View: "run", Title: "Run " + plain(id), Section: "Runs", Data: v,
		Parts: []Part{{"run", []runRow{v.Run}}, {"tasks", v.Tasks}, {"issues", v.Issues}, {"rejected", v.Rejected},
			{"artifacts", v.Artifacts}, {"findings", v.Findings}}}
	if v.Run.Status == "running" {
		const often = 3
		p.Live = often
	}
	return p, nil
}

// runOfTasks makes a run of what its tasks recorded, for one that has no entry of its own.
func runOfTasks(id string, tasks []taskRow) runRow {
	run := runRow{RunID: id, Pipeline: "batch", StartedAt: tasks[0].StartedAt, TraceID: tasks[0].TraceID}
	last := tasks[len(tasks)-1]
	run.Status, run.Error = last.Status, last.Error
	end := last.StartedAt.Add(time.Duration(last.DurationMS) * time.Millisecond)
	run.FinishedAt = &end
	for i := range tasks {
		t := &tasks[i]
		switch t.Task {
		case "validate":
			run.In, run.Accepted, run.Rejected, run.Duplicates = t.In, t.Accepted, t.Rejected, t.Duplicates
		case "load":
			run.Stored += t.Stored
		case "classify":
			run.DeadLettered += t.DeadLettered
		}
	}
	return run
}

// addTimeline places the tasks between the first's start and the last's end.
func (v *runView) addTimeline(now time.Time) {
	if len(v.Tasks) == 0 {
		return
	}
	end := v.Tasks[0].StartedAt
	v.Start = v.Tasks[0].StartedAt
	for _, t := range v.Tasks {
		if e := t.StartedAt.Add(time.Duration(t.DurationMS) * time.Millisecond); e.After(end) {
			end = e
		}
	}
	if v.Run.Status == "running" && now.After(end) {
		end = now
	}
	v.Span = max(end.Sub(v.Start), time.Millisecond)
	for i := range v.Tasks {
		t := &v.Tasks[i]
		t.X = share(float64(t.StartedAt.Sub(v.Start)), float64(v.Span))
		t.W = max(share(float64(t.DurationMS)*float64(time.Millisecond), float64(v.Span)), 0.4)
		t.X = min(t.X, 100-t.W)
	}
	for i := range 4 {
		v.Ticks = append(v.Ticks, label{At: float64(i) * 25, Text: duration(v.Span * time.Duration(i) / 4)})
	}
}

// addFunnel makes the steps from the file to the table.
func (v *runView) addFunnel() {
	run, whole := &v.Run, float64(v.Run.In)
	predicted, classified := uint64(0), false
	done := map[int32]bool{}
	for i := range v.Tasks {
		if t := &v.Tasks[i]; t.Task == "classify" && t.Status == "done" && !done[t.Index] {
			done[t.Index], classified = true, true
			predicted += t.Predicted
		}
	}
	path := runPath(run.RunID)
	step := func(name string, rows uint64, class string, losses ...funnelLoss) {
		s := funnelStep{Name: name, Rows: rows, Share: share(float64(rows), whole), Class: class}
		for _, l := range losses {
			if l.Rows > 0 {
				l.Share = share(float64(l.Rows), whole)
				s.Losses = append(s.Losses, l)
			}
		}
		v.Funnel = append(v.Funnel, s)
	}
	step("in the files", run.In, "c1")
	step("accepted", run.Accepted, "c1", funnelLoss{Name: "rejected", Rows: run.Rejected, Class: "bad",
		To: path + "/rejected"},
		funnelLoss{Name: "duplicates", Rows: run.Duplicates, Class: "warn", To: path + "/duplicates"})
	if classified {
		step("categorised", predicted, "c1", funnelLoss{Name: "dead letters", Rows: run.DeadLettered, Class: "bad",
			To: path + "/rejected"})
		step("stored", run.Stored, "good")
	} else {
		step("stored", run.Stored, "good", funnelLoss{Name: "dead letters", Rows: run.DeadLettered, Class: "bad",
			To: path + "/rejected"})
	}
}

// readTasks takes from the manifests what they made, and from reconcile what it found.
func (v *runView) readTasks() {
	seen, traces := map[string]bool{}, map[string]bool{}
	addTrace := func(id string) {
		if id != "" && !traces[id] {
			traces[id] = true
			v.Traces = append(v.Traces, id)
		}
	}
	addTrace(v.Run.TraceID)
	for i := range v.Tasks {
		t := &v.Tasks[i]
		addTrace(t.TraceID)
		var m batch.Manifest
		if json.Unmarshal([]byte(t.Manifest), &m) == nil {
			for _, a := range m.Outputs {
				if !seen[a.URL] {
					seen[a.URL] = true
					v.Artifacts = append(v.Artifacts, artifactRow{t.Task, a.Name, a.URL, a.Rows, a.Bytes, a.SHA256})
				}
			}
		}
		if t.Task == "reconcile" {
			v.Reconcile, v.Findings = t.Status, nil // the last try counts
			if t.Status != "done" {
				for line := range strings.Lines(t.Error) {
					v.Findings = append(v.Findings, findingRow{strings.TrimSpace(line)})
				}
			}
		}
	}
}

var replaced = regexp.MustCompile(`-[0-9a-f]{8}$`)

// airflowRun is the address of a run in Airflow, where it is one of Airflow's: those are named DAG.RUN, with other
// characters than deadLetters, digits, points and dashes replaced, so that Airflow has to search.
func airflowRun(base, runID string) string {
	dag, name, ok := strings.Cut(runID, ".")
	if base == "" || !ok || dag == "" || name == "" {
		return ""
	}
	pattern := strings.ReplaceAll(replaced.ReplaceAllString(name, ""), "-", "%")
	return strings.TrimRight(base, "/") + "/dags/" + url.PathEscape(dag) + "/runs?run_id_pattern=" +
		url.QueryEscape(pattern)
}

func (u *UI) rejected(ctx context.Context, run, code string, raw bool, after *placeKey, n int) ([]rejectedRow, error) {
	ask := after.values(values{"run": run, "code": code, "raw": flag(raw), "limit": itoa(n)})
	return rows[rejectedRow](ctx, u.cfg.DB, "run_rejected", ask)
}
