package ledger

import (
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/fault"
)

// Finding is one break of the delivery contract.
type Finding struct {
	Kind     FindingKind `json:"kind"`
	ID       string      `json:"id,omitempty"` // absent for a row without a readable id
	Origin   string      `json:"origin,omitempty"`
	Position uint64      `json:"position,omitempty"` // line, or offset
	Detail   string      `json:"detail,omitempty"`   // never a value of the row
}

// FindingKind names how the contract is broken.
type FindingKind string

// The kinds that reconcile looks for: in a run, and between the pipelines.
const (
	FindingUnaccounted  FindingKind = "unaccounted"      // a source row without an entry in the ledger
	FindingInvented     FindingKind = "invented"         // an entry in the ledger without a source row
	FindingOther        FindingKind = "other_row"        // the entry is for another id or content than the source row has
	FindingMissing      FindingKind = "missing"          // stored by the ledger; transactions has none, or an older one
	FindingChanged      FindingKind = "changed"          // transactions has the same version with another category
	FindingDoubled      FindingKind = "doubled"          // one id stored twice in the run
	FindingOnlyBatch    FindingKind = "only_batch"       // stored by batch and not by the stream
	FindingOnlyStream   FindingKind = "only_stream"      // stored by the stream and not by batch
	FindingCategory     FindingKind = "category_differs" // the two gave it different categories
	FindingNoDeadLetter FindingKind = "no_dead_letter"   // rejected or dead by the ledger, but dead_letters lacks it
)

// FindingGap is of a stream: retention deleted offsets that were not read, or not verified.
const FindingGap FindingKind = "gap"

// String is one line for people.
func (f Finding) String() string {
	s := string(f.Kind)
	if f.ID != "" {
		s += " id " + f.ID
	}
	if f.Origin != "" {
		s += fmt.Sprintf(" at %s:%d", f.Origin, f.Position)
	}
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	return s
}

// Findings holds the first findings of each kind, and counts them all.
type Findings struct {
	Limit  int                   `json:"-"` // how many of a kind are kept
	First  []Finding             `json:"first"`
	Counts map[FindingKind]int64 `json:"counts"`
}

// Add counts n findings like f and keeps f while there is room.
func (f *Findings) Add(n int64, first ...Finding) {
	if len(first) == 0 || n == 0 {
		return
	}
	if f.Counts == nil {
		f.Counts = map[FindingKind]int64{}
	}
	kind := first[0].Kind
	room := f.Limit - int(min(f.Counts[kind], int64(f.Limit)))
	f.First = append(f.First, first[:min(room, len(first))]...)
	f.Counts[kind] += n
}

// Merge adds what another one found.
func (f *Findings) Merge(other *Findings) {
	for kind, n := range other.Counts {
		var first []Finding
		for _, o := range other.First {
			if o.Kind == kind {
				first = append(first, o)
			}
		}
		f.Add(n, first...)
	}
}

// Total counts all findings.
func (f *Findings) Total() (n int64) {
	for _, c := range f.Counts {
		n += c
	}
	return n
}

// Err is an error, with exit code 65, that shows the findings, of which there must be some.
func (f *Findings) Err(what string) error {
	var lines []string
	for _, one := range f.First {
		lines = append(lines, one.String())
	}
	if more := f.Total() - int64(len(lines)); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	text := strings.Join(lines, "\n  ")
	if f.Total() == 1 { // the list of all errors has both texts as they are
		return fault.Failf(fault.ExitData, "%s: 1 mismatch\n  %s", what, text)
	}
	return fault.Failf(fault.ExitData, "%s: %d mismatches\n  %s", what, f.Total(), text)
}
