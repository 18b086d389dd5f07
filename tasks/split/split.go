// Package split cuts the accepted rows of a run into content-addressed chunks, so that classify and load can be mapped:
// the same rows make the same chunks.
package split

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "split"

// Config says how to cut.
type Config struct {
	Validated   *batch.Manifest
	MaxChunks   int // a cap over all files together: so many mapped tasks follow at most
	MinRows     int // a chunk has at least so many rows while there are enough
	SegmentRows int // rows that classify asks and records as one; at most 100,000
}

// Defaults keep an Airflow scheduler calm and a laptop's memory flat.
const (
	DefaultMaxChunks   = 16
	DefaultMinRows     = 100_000
	DefaultSegmentRows = 10_000
	MaxSegmentRows     = 100_000 // so many rows are held at once, several times
)

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Limit("--max-chunks", c.MaxChunks, 1, 100_000),
		tasks.Limit("--min-rows", c.MinRows, 1, 1<<30),
		tasks.Limit("--segment-rows", c.SegmentRows, 1, MaxSegmentRows))
}

// Run splits. The manifest's output is the index of chunks, and Chunks says how many there are: one at least, so that
// rejects and duplicates are loaded even where nothing was accepted.
func Run(ctx context.Context, env *tasks.Env, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		accepted, err := cfg.Validated.Output(batch.OutputAccepted)
		if err != nil {
			return err
		}
		index, err := newIndex(ctx, env, cfg.Validated)
		if err != nil {
			return err
		}
		m.Inputs = append(m.Inputs, accepted)
		index.Chunks = plan(accepted.Rows, cfg)
		if err := measure(ctx, env, accepted, index.Chunks, cfg.SegmentRows); err != nil {
			return err
		}
		if err := write(ctx, env, accepted, index.Chunks); err != nil {
			return err
		}
		a, err := batch.WriteJSON(ctx, env.Artifacts, env.Layout.Chunks(), index)
		if err != nil {
			return err
		}
		a.Name, a.Rows = batch.OutputChunks, accepted.Rows
		m.Outputs = append(m.Outputs, a)
		m.Chunks = len(index.Chunks)
		m.Counts = ledger.Counts{In: accepted.Rows, Accepted: accepted.Rows}
		return nil
	})
}

func newIndex(ctx context.Context, env *tasks.Env, validated *batch.Manifest) (*batch.Chunks, error) {
	index := &batch.Chunks{RunID: env.RunID, Source: env.Source}
	filesAt, err := validated.Output(batch.OutputFiles)
	if err != nil {
		return nil, err
	}
	var files batch.Files
	if err := batch.ReadJSON(ctx, env.Artifacts, filesAt.URL, filesAt.SHA256, &files); err != nil {
		return nil, err
	}
	index.Files, index.Contents = files.Files, files.Contents
	if index.Rejected, err = validated.Output(batch.OutputRejected); err != nil {
		return nil, err
	}
	index.Duplicates, err = validated.Output(batch.OutputDuplicates)
	return index, err
}

// plan spreads rows evenly over as many chunks as are worth it.
func plan(rows int64, cfg Config) []batch.Chunk {
	n := min(int64(cfg.MaxChunks), max(1, rows/int64(max(cfg.MinRows, 1))))
	chunks := make([]batch.Chunk, n)
	for i := range chunks {
		chunks[i].Index = i
		chunks[i].Rows = rows*int64(i+1)/n - rows*int64(i)/n
	}
	return chunks
}

// measure reads the accepted rows once and fills in the digests, by which the chunks are named.
func measure(ctx context.Context, env *tasks.Env, accepted batch.Artifact, chunks []batch.Chunk,
	segmentRows int) error {
	lines, err := openRows(ctx, env, accepted)
	if err != nil {
		return err
	}
	defer lines.close()
	for i := range chunks {
		chunk := &chunks[i]
		whole := sha256.New()
		for left := chunk.Rows; left > 0; {
			n := min(left, int64(segmentRows))
			segment, sum := batch.Segment{Rows: int(n)}, sha256.New()
			for range n {
				line, err := lines.next()
				if err != nil {
					return err
				}
				segment.Bytes += len(line)
				lines.hash(line, sum, whole)
			}
			lines.flush(sum, whole)
			segment.SHA256 = hex.EncodeToString(sum.Sum(nil))
			chunk.Segments = append(chunk.Segments, segment)
			chunk.Bytes += int64(segment.Bytes)
			left -= n
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		chunk.SHA256 = hex.EncodeToString(whole.Sum(nil))
		chunk.URL = env.Layout.Chunk(chunk.SHA256)
	}
	return lines.end()
}

// write reads the accepted rows a second time and writes the chunks under their names, which are their digests: that
// checks what was read, too.
func write(ctx context.Context, env *tasks.Env, accepted batch.Artifact, chunks []batch.Chunk) error {
	accepted.SHA256 = ""
	lines, err := openRows(ctx, env, accepted)
	if err != nil {
		return err
	}
	defer lines.close()
	for i := range chunks {
		if err := writeChunk(ctx, env, lines.r, &chunks[i]); err != nil {
			return err
		}
		env.Done(int(chunks[i].Rows))
	}
	return lines.end()
}

func writeChunk(ctx context.Context, env *tasks.Env, rows io.Reader, chunk *batch.Chunk) error {
	w, err := env.Artifacts.Create(ctx, chunk.URL)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.CopyN(w, rows, chunk.Bytes); err != nil {
		return err
	}
	a, err := w.Commit(ctx)
	if err != nil {
		return err
	}
	if a.SHA256 != chunk.SHA256 {
		return fault.Failf(fault.ExitTryAgain, "the accepted rows changed while they were split")
	}
	chunk.URL = a.URL
	return nil
}

// rowReader reads the lines of the accepted rows after the header.
type rowReader struct {
	url  string
	file io.Closer
	r    *bufio.Reader
	long []byte
	buf  []byte
}

func openRows(ctx context.Context, env *tasks.Env, accepted batch.Artifact) (*rowReader, error) {
	f, err := env.Artifacts.Open(ctx, accepted.URL, accepted.SHA256)
	if err != nil {
		return nil, err
	}
	l := &rowReader{url: accepted.URL, file: f, r: bufio.NewReaderSize(f, 1<<20)}
	header, err := l.next()
	if err == nil && string(header) != batch.RowHeader {
		err = fault.Failf(fault.ExitData, "%s is not what this version of txflow writes", accepted.URL)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// next returns a line with its newline; it is valid until the following call.
func (l *rowReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.r.ReadSlice('\n')
			l.long = append(l.long, line...)
		}
		line = l.long
	}
	if errors.Is(err, io.EOF) {
		return nil, fault.Failf(fault.ExitData, "%s has fewer rows than its manifest says", l.url)
	}
	return line, err
}

// hash gathers lines, so that the digests are fed large pieces.
func (l *rowReader) hash(line []byte, sums ...hash.Hash) {
	if l.buf = append(l.buf, line...); len(l.buf) >= 64<<10 {
		l.flush(sums...)
	}
}

func (l *rowReader) flush(sums ...hash.Hash) {
	for _, sum := range sums {
		sum.Write(l.buf)
	}
	l.buf = l.buf[:0]
}

// end reads to the end, which checks the digest.
func (l *rowReader) end() error {
	n, err := io.Copy(io.Discard, l.r)
	if err == nil && n > 0 {
		err = fault.Failf(fault.ExitData, "%s has more rows than its manifest says", l.url)
	}
	return err
}

func (l *rowReader) close() { _ = l.file.Close() } // it was only read
