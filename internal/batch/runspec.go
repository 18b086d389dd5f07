package batch

import (
	"regexp"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// RunSpec is what a run was started with. It is written when the run begins and kept when it goes on: what it says does
// not change with the time at which a task is tried again.
type RunSpec struct {
	RunID      string       `json:"run_id"`
	Source     string       `json:"source"`
	StartedAt  time.Time    `json:"started_at"`
	AsOf       time.Time    `json:"as_of"` // how new the contents of the files are
	Reclassify bool         `json:"reclassify,omitempty"`
	Files      []SourceFile `json:"files"`
}

// SourceFile is a source as it lay there when the run began.
type SourceFile struct {
	URL      string    `json:"url"`
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified,omitzero"` // zero for what was read once, as standard input is
	SHA256   string    `json:"sha256,omitempty"`  // of what was read once
}

// runIDShape allows what schedulers make of a time, too: manual__2024-01-01T00:00:00+00:00.
var runIDShape = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:+@=~-]{0,199}$`)

// CheckRunID refuses what is not one path element of a safe alphabet, with exit code 64.
func CheckRunID(id string) error {
	if runIDShape.MatchString(id) {
		return nil
	}
	return fault.WithHint(fault.Failf(fault.ExitUsage, "--run-id %q can not name a run", id),
		"1 to 200 ASCII letters, digits and _ . : + @ = ~ -, the first a letter, a digit or _")
}

// SameFiles reports whether the same URLs are named, and whether their contents are unchanged as far as is known.
func (s *RunSpec) SameFiles(o *RunSpec) (urls, contents bool) {
	if len(s.Files) != len(o.Files) {
		return false, false
	}
	contents = true
	for i := range s.Files {
		a, b := &s.Files[i], &o.Files[i]
		if a.URL != b.URL {
			return false, false
		}
		contents = contents && a.Bytes == b.Bytes && a.SHA256 == b.SHA256 && a.Modified.Equal(b.Modified)
	}
	return true, contents
}
