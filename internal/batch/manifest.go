// Package batch is the contract between the batch tasks: manifests and the formats of their artifacts.
package batch

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// Manifest is a task's report on its run: the last line of stdout, and an artifact beside its outputs.
type Manifest struct {
	Task         string        `json:"task"`
	Status       string        `json:"status"` // done, failed or nothing
	RunID        string        `json:"run_id"`
	Source       string        `json:"source"` // the name given to the system that counts the ids
	Index        *int          `json:"index,omitempty"`
	Try          int           `json:"try"`
	Inputs       []Artifact    `json:"inputs"`
	Outputs      []Artifact    `json:"outputs"`
	Counts       ledger.Counts `json:"counts"`
	Chunks       int           `json:"chunks,omitempty"`        // split: how many mapped tasks follow
	ChangedShare *float64      `json:"changed_share,omitempty"` // compare: answered rows that load would change or add
	// Comparison is compare's: what a human who decides needs to see.
	Comparison *Comparison `json:"comparison,omitempty"`
	Error      string      `json:"error,omitempty"`
	ExitCode   int         `json:"exit_code"`
	StartedAt  time.Time   `json:"started_at"`
	DurationMS int64       `json:"duration_ms"`
	TraceID    string      `json:"trace_id"`
}

// Artifact is a file that a task read or wrote.
type Artifact struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Output returns the output of that name, or an error that names what is missing.
func (m *Manifest) Output(name string) (Artifact, error) {
	for _, a := range m.Outputs {
		if a.Name == name {
			return a, nil
		}
	}
	return Artifact{}, fault.Failf(fault.ExitData, "the manifest of %s has no output %q", m.Task, name)
}

// ReadManifest reads a manifest and checks that it is of the wanted task and that the task was done.
func ReadManifest(r io.Reader, task string) (*Manifest, error) {
	var m Manifest
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return nil, fault.Failf(fault.ExitData, "not a manifest: %w", err)
	}
	if m.Task != task {
		return nil, fault.Failf(fault.ExitData, "a manifest of the task %q is needed, this one is of %q", task, m.Task)
	}
	if m.Status == "failed" {
		return nil, fault.Failf(fault.ExitData, "the task %s of run %s failed: %s", m.Task, m.RunID, m.Error)
	}
	return &m, nil
}

// Line returns the manifest as one line of JSON, without the newline.
func (m *Manifest) Line() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	return b, nil
}
