package batch

import (
	"fmt"
	"net/url"
	"strings"
)

// Layout says where the artifacts of a run are: Root is OUT/RUN_ID, by URL or path.
type Layout struct{ Root string }

// Names of outputs in manifests.
const (
	OutputAccepted   = "accepted"
	OutputRejected   = "rejected"
	OutputDuplicates = "duplicates"
	OutputQuality    = "quality"
	OutputFiles      = "files"
	OutputChunks     = "chunks"
	OutputClassified = "classified"
	OutputComparison = "comparison"
)

// NewLayout places the run RUN_ID under out.
func NewLayout(out, runID string) Layout { return Layout{Root: join(out, runID)} }

// LayoutOf returns the layout of the run that an artifact at the top of a run's folder belongs to.
func LayoutOf(artifact string) Layout { return Layout{Root: join(artifact, "..")} }

// Accepted is where validate writes the rows that it accepts.
func (l Layout) Accepted() string { return join(l.Root, "accepted.tsv") }

// Rejected is where validate writes the rows that it rejects.
func (l Layout) Rejected() string { return join(l.Root, "rejected.ndjson") }

// Duplicates is where validate writes where rows repeat others.
func (l Layout) Duplicates() string { return join(l.Root, "duplicates.tsv") }

// Quality is validate's report on the quality of the rows.
func (l Layout) Quality() string { return join(l.Root, "quality.json") }

// Files is the list of the run's source files, as validate read them.
func (l Layout) Files() string { return join(l.Root, "files.json") }

// Chunks is the index that split writes.
func (l Layout) Chunks() string { return join(l.Root, "chunks.json") }

// Comparison is what compare found out.
func (l Layout) Comparison() string { return join(l.Root, "comparison.json") }

// Run is what the run was started with.
func (l Layout) Run() string { return join(l.Root, "run.json") }

// Lease says who works on the run.
func (l Layout) Lease() string { return join(l.Root, "lease.json") }

// Versions are the versions under which load stores the rows of a chunk that is reclassified.
func (l Layout) Versions(index int) string {
	return join(l.Root, fmt.Sprintf("versions/%d.json", index))
}

// Pipe is where rows that can be read only once are kept, so that reconcile can count them again: standard input, or
// the n-th pipe, counted from 0.
func (l Layout) Pipe(n int) string {
	if n == 0 {
		return join(l.Root, "stdin.csv")
	}
	return join(l.Root, fmt.Sprintf("stdin-%d.csv", n))
}

// Chunk is content-addressed: the same rows make the same object.
func (l Layout) Chunk(sha256 string) string { return join(l.Root, "chunks/"+sha256+".tsv") }

// Part holds the answers for one segment, keyed by what was asked of whom.
func (l Layout) Part(api, segment string) string {
	return join(l.Root, "parts/"+api+"/"+segment+".json")
}

// Classified is the index of a chunk's parts.
func (l Layout) Classified(index int) string {
	return join(l.Root, fmt.Sprintf("classified/%d.json", index))
}

// Manifest is where a task's manifest is; index is negative for a task that is not mapped.
func (l Layout) Manifest(task string, index int) string {
	if index < 0 {
		return join(l.Root, task+".json")
	}
	return join(l.Root, fmt.Sprintf("%s-%d.json", task, index))
}

// join appends a relative path to a URL or a path; a URL's query stays after it.
func join(base, rel string) string {
	u, err := url.Parse(base)
	if err == nil && len(u.Scheme) > 1 {
		return u.JoinPath(rel).String()
	}
	base = strings.TrimRight(base, "/")
	if rel != ".." {
		return base + "/" + rel
	}
	if i := strings.LastIndexByte(base, '/'); i > 0 {
		return base[:i]
	}
	return "."
}
