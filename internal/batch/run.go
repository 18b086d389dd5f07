package batch

import "time"

// RunRecord is a run in the history.
type RunRecord struct {
	RunID      string
	Pipeline   string
	Source     string
	Status     string // running, done or failed
	Files      int
	Counts     Counts
	Error      string
	TraceID    string
	StartedAt  time.Time
	FinishedAt time.Time // zero while it runs
}
