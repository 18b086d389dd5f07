package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"time"
)

// File is a source file of a run.
type File struct {
	URL       string   `json:"url"`
	SHA256    string   `json:"sha256"` // of the bytes as they lie there, compressed or not
	Bytes     int64    `json:"bytes"`
	Rows      int64    `json:"rows"`
	Delimiter string   `json:"delimiter"`
	Decimal   string   `json:"decimal"`
	Thousands string   `json:"thousands,omitempty"` // what may separate thousands, as --thousands said
	Ignored   []string `json:"ignored_columns,omitempty"`
}

// Files is what validate tells later tasks of the sources and of how it read them, so that reconcile reads them alike.
type Files struct {
	Source    string    `json:"source"`
	Earliest  time.Time `json:"earliest"`
	Latest    time.Time `json:"latest"`
	MaxText   int       `json:"max_text"`
	MaxRecord int       `json:"max_record"`
	Files     []File    `json:"files"`
}

// Chunks is the index that split writes: what the mapped tasks are told by number. The same input makes the same index, also
// where two processes write it at once: it holds no time of day.
type Chunks struct {
	RunID      string   `json:"run_id"`
	Source     string   `json:"source"`
	Files      []File   `json:"files"`
	Chunks     []Chunk  `json:"chunks"`
	Rejected   Artifact `json:"rejected"`
	Duplicates Artifact `json:"duplicates"`
}

// Chunk is an object of whole rows, cut into segments that are asked and recorded one by one.
type Chunk struct {
	Index    int       `json:"index"`
	URL      string    `json:"url"`
	SHA256   string    `json:"sha256"`
	Rows     int64     `json:"rows"`
	Bytes    int64     `json:"bytes"`
	Segments []Segment `json:"segments"`
}

// Segment is a run of rows in a chunk.
type Segment struct {
	Rows   int    `json:"rows"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ClassifiedChunk lists a chunk's parts in the order of its segments.
type ClassifiedChunk struct {
	Chunk   string     `json:"chunk"` // SHA-256
	API     string     `json:"api"`
	TraceID string     `json:"trace_id"` // of the task that classified it
	Parts   []Artifact `json:"parts"`
}

// Select returns the chunk of that index, or all of them for -1.
func (c *Chunks) Select(index int) ([]Chunk, error) {
	switch {
	case index < 0:
		return c.Chunks, nil
	case index < len(c.Chunks):
		return c.Chunks[index : index+1], nil
	}
	return nil, Failf(ExitUsage, "there is no chunk %d: the run has %d, counted from 0", index, len(c.Chunks))
}

// ReadSegment reads a segment's rows, into buf if they fit, and checks that they are the ones that were split.
func ReadSegment(r io.Reader, s Segment, url string, buf []byte) ([]byte, error) {
	text := slices.Grow(buf[:0], s.Bytes)[:s.Bytes]
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, Failf(ExitData, "%s is damaged: %w", url, err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != s.SHA256 {
		return nil, Failf(ExitData, "%s is damaged: a segment has other content than when it was split", url)
	}
	return text, nil
}
