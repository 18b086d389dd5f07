package ledger

import "time"

// RunRecord is a run in the history.
type RunRecord struct {
	RunID      string    `json:"run_id"`
	Pipeline   string    `json:"pipeline"`
	Source     string    `json:"source"`
	Status     string    `json:"status"` // running, done or failed; interrupted for one that ran and whose lease is over
	Files      int       `json:"files"`
	Counts     Counts    `json:"counts"`
	Error      string    `json:"error,omitempty"`
	TraceID    string    `json:"trace_id"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"` // zero while it runs
	LeaseUntil time.Time `json:"lease_until,omitzero"` // zero where each task is a process of its own
}
