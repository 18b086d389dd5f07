package batch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// File is a source file of a run.
type File struct {
	URL       string   `json:"url"`
	SHA256    string   `json:"sha256"` // of the stored bytes, compressed or not
	Bytes     int64    `json:"bytes"`
	Rows      int64    `json:"rows"`
	Delimiter string   `json:"delimiter"`
	Decimal   string   `json:"decimal"`
	Thousands string   `json:"thousands,omitempty"` // what may separate thousands, as --thousands said
	Ignored   []string `json:"ignored_columns,omitempty"`
}

// Files is what validate passes to later tasks about the source files and of how it read them, so that reconcile reads
// them alike.
type Files struct {
	Source    string    `json:"source"`
	Earliest  time.Time `json:"earliest"`
	Latest    time.Time `json:"latest"`
	MaxText   int       `json:"max_text"`
	MaxRecord int       `json:"max_record"`
	Files     []File    `json:"files"`
	Contents
}

// Contents say how new the rows of a run are. Runs of older versions of txflow have none.
type Contents struct {
	AsOf       time.Time `json:"as_of,omitzero"`       // the version of its rows
	JudgedAt   time.Time `json:"judged_at,omitzero"`   // when rejects were first judged: the start of the run
	Reclassify bool      `json:"reclassify,omitempty"` // the rows keep the versions that compare found, see RowVersions
}

// Version returns AsOf in microseconds, 0 where it is not known.
func (c *Contents) Version() int64 {
	if c.AsOf.IsZero() {
		return 0
	}
	return c.AsOf.UnixMicro()
}

// RowVersions are the versions of a chunk's rows, in their order: that of the stored row where its contents are the
// same; NeverReplaces where they are others; that of the run where none is stored.
type RowVersions struct {
	Chunk    string  `json:"chunk"` // SHA-256
	Versions []int64 `json:"versions"`
}

// NeverReplaces is the version of a row that is to change nothing: whatever is stored is newer.
const NeverReplaces = 1

// Chunks is the index that split writes: what mapped tasks refer to by number. The same input makes the same index,
// also where two processes write it at once: it holds no time of day.
type Chunks struct {
	RunID      string   `json:"run_id"`
	Source     string   `json:"source"`
	Files      []File   `json:"files"`
	Chunks     []Chunk  `json:"chunks"`
	Rejected   Artifact `json:"rejected"`
	Duplicates Artifact `json:"duplicates"`
	Contents
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
	return nil, fault.Failf(fault.ExitUsage, "there is no chunk %d: the run has %d, counted from 0", index, len(c.Chunks))
}

// segmentStep is what is read of a segment at once, at least.
const segmentStep = 1 << 20

// Check refuses an index that split can not have written, with exit code 65.
func (c *Chunks) Check() error {
	if len(c.Files) == 0 || len(c.Chunks) == 0 {
		return fault.Failf(fault.ExitData, "the index has %d files and %d chunks", len(c.Files), len(c.Chunks))
	}
	for i := range c.Chunks {
		if err := c.Chunks[i].check(i); err != nil {
			return fault.Failf(fault.ExitData, "the index is damaged: chunk %d: %w", i, err)
		}
	}
	return nil
}

func (c *Chunk) check(index int) error {
	rows, size := c.Rows, c.Bytes
	for i, s := range c.Segments {
		switch {
		case s.Rows < 1 || s.Bytes < s.Rows:
			return fmt.Errorf("segment %d has %d rows in %d bytes", i, s.Rows, s.Bytes)
		case len(s.SHA256) != hex.EncodedLen(sha256.Size):
			return fmt.Errorf("segment %d has no SHA-256", i)
		case int64(s.Rows) > rows || int64(s.Bytes) > size:
			return errors.New("its segments hold more than it does")
		}
		rows, size = rows-int64(s.Rows), size-int64(s.Bytes)
	}
	switch {
	case c.Index != index:
		return fmt.Errorf("it says that it is chunk %d", c.Index)
	case rows != 0 || size != 0:
		return fmt.Errorf("%d rows in %d bytes are in none of its segments", rows, size)
	case c.URL == "" || len(c.SHA256) != hex.EncodedLen(sha256.Size):
		return errors.New("it has no URL or no SHA-256")
	}
	return nil
}

// Check refuses what validate can not have written, with exit code 65.
func (f *Files) Check() error {
	for i := range f.Files {
		if file := &f.Files[i]; len(file.Delimiter) != 1 || len(file.Decimal) != 1 || len(file.Thousands) > 1 ||
			file.URL == "" {
			return fault.Failf(fault.ExitData,
				"the list of files is damaged: file %d is read with the delimiter %q and the decimal mark %q", i, file.Delimiter,
				file.Decimal)
		}
	}
	return nil
}

// ReadSegment reads a segment's rows, into buf if they fit, and checks that they are the ones that were split.
func ReadSegment(r io.Reader, s Segment, url string, buf []byte) ([]byte, error) {
	text := buf[:0]
	for len(text) < s.Bytes { // a size that is a lie costs no more memory than what is there
		n := min(s.Bytes-len(text), max(segmentStep, len(text), cap(text)-len(text)))
		text = slices.Grow(text, n)
		if _, err := io.ReadFull(r, text[len(text):len(text)+n]); err != nil {
			return nil, fault.Failf(fault.ExitData, "%s is damaged: %w", url, err)
		}
		text = text[:len(text)+n]
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != s.SHA256 {
		return nil, fault.Failf(fault.ExitData, "%s is damaged: a segment has other content than when it was split", url)
	}
	if rows := bytes.Count(text, []byte{'\n'}); rows != s.Rows {
		return nil, fault.Failf(fault.ExitData, "%s is damaged, or its index: a segment has %d rows, not %d", url, rows,
			s.Rows)
	}
	return text, nil
}
