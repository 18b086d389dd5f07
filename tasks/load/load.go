// Package load stores a chunk's classified rows in ClickHouse, each with its entry in the ledger. The first chunk brings
// the run's rejects and duplicates along. Storing again what is stored changes nothing: the keys see to it.
package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "load"

// Pipeline is the name of this pipeline in every table.
const Pipeline = "batch"

// Store takes rows, a block an insert. A nil error means that ClickHouse has them; it may have seen them before. The
// implementation waits out an outage; its errors carry exit codes.
type Store interface {
	InsertClassified(ctx context.Context, info batch.RunInfo, rows []batch.Classified) error
	InsertDeadLetters(ctx context.Context, info batch.RunInfo, rows []batch.DeadLetter) error
	InsertDuplicates(ctx context.Context, info batch.RunInfo, rows []batch.Duplicate) error
}

// Config says what to load.
type Config struct {
	Chunks    *batch.Chunks
	Index     int     // the chunk, or -1 for all
	BlockRows int     // rows an insert: few and large, since an insert has a fixed cost
	Blocks    *Blocks // shared by loads that run at once; nil for this load's own
}

// DefaultBlockRows is below ClickHouse's own block size, so that one insert stays one block.
const DefaultBlockRows = 100_000

// DefaultBlocks lets two blocks be stored while the next is read.
const DefaultBlocks = 3

// Run loads one chunk, or all.
func Run(ctx context.Context, env *tasks.Env, store Store, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, cfg.Index, func(ctx context.Context, m *batch.Manifest) error {
		chunks, err := cfg.Chunks.Select(cfg.Index)
		if err != nil {
			return err
		}
		if cfg.Blocks == nil {
			cfg.Blocks = NewBlocks(DefaultBlocks)
		}
		l := &loader{env: env, store: store, cfg: cfg, manifest: m}
		l.info = batch.RunInfo{Pipeline: Pipeline, RunID: env.RunID, TaskTry: env.Try, Source: env.Source}
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			l.info.OriginTraceID = sc.TraceID().String()
		}
		for i := range chunks {
			if chunks[i].Index == 0 {
				if err := l.leftOut(ctx); err != nil {
					return err
				}
			}
			if err := l.chunk(ctx, &chunks[i]); err != nil {
				return fmt.Errorf("chunk %d: %w", chunks[i].Index, err)
			}
		}
		return nil
	})
}

type loader struct {
	env      *tasks.Env
	store    Store
	cfg      Config
	manifest *batch.Manifest
	info     batch.RunInfo
	mu       sync.Mutex // guards the manifest's counts
}

// chunk joins a chunk's rows with the answers for them and stores them.
func (l *loader) chunk(ctx context.Context, chunk *batch.Chunk) error {
	parts, err := l.classified(ctx, chunk)
	if err != nil {
		return err
	}
	l.manifest.Inputs = append(l.manifest.Inputs, batch.Artifact{Name: "chunk", URL: chunk.URL, Rows: chunk.Rows, Bytes: chunk.Bytes, SHA256: chunk.SHA256})
	file, err := l.env.Artifacts.Open(ctx, chunk.URL, "") // its segments are checked one by one
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	rows := bufio.NewReaderSize(file, 256<<10)
	info := l.info
	info.Chunk = chunk.SHA256
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.blocks(ctx, group, info, chunk, parts, rows) })
	return group.Wait()
}

// blocks reads block by block and has each stored while the next is read.
func (l *loader) blocks(ctx context.Context, group *errgroup.Group, info batch.RunInfo, chunk *batch.Chunk, parts []batch.Artifact, rows io.Reader) error {
	for i := 0; i < len(chunk.Segments); {
		b, err := l.cfg.Blocks.take(ctx, int(min(chunk.Rows, int64(l.cfg.BlockRows))))
		if err != nil {
			return err
		}
		for first := i; i < len(chunk.Segments) && (i == first || b.len()+chunk.Segments[i].Rows <= l.cfg.BlockRows); i++ {
			if err := l.segment(ctx, b, rows, chunk.Segments[i], parts[i], chunk.URL); err != nil {
				l.cfg.Blocks.giveBack(b)
				return err
			}
		}
		group.Go(func() error {
			defer l.cfg.Blocks.giveBack(b)
			return l.insert(ctx, info, b)
		})
	}
	return nil
}

// segment reads a segment's rows and answers into the block.
func (l *loader) segment(ctx context.Context, b *block, rows io.Reader, segment batch.Segment, at batch.Artifact, url string) error {
	text, err := batch.ReadSegment(rows, segment, url)
	if err != nil {
		return err
	}
	r, err := l.env.Artifacts.Open(ctx, at.URL, at.SHA256)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	part, err := batch.ParsePart(content)
	if err != nil {
		return err
	}
	if err := part.Check(segment.SHA256, segment.Rows); err != nil {
		return err
	}
	return b.add(text, part, l.cfg.Chunks.Files)
}

// insert stores a block.
func (l *loader) insert(ctx context.Context, info batch.RunInfo, b *block) error {
	if len(b.rows) > 0 {
		if err := l.store.InsertClassified(ctx, info, b.rows); err != nil {
			return fmt.Errorf("store %d rows: %w", len(b.rows), err)
		}
	}
	if len(b.refused) > 0 {
		if err := l.store.InsertDeadLetters(ctx, info, b.refused); err != nil {
			return fmt.Errorf("store %d dead letters: %w", len(b.refused), err)
		}
	}
	l.count(batch.Counts{In: int64(b.len()), Stored: int64(len(b.rows)), DeadLettered: int64(len(b.refused))})
	l.env.Done(b.len())
	return nil
}

// classified reads the index of a chunk's parts, which classify wrote.
func (l *loader) classified(ctx context.Context, chunk *batch.Chunk) ([]batch.Artifact, error) {
	url := l.env.Layout.Classified(chunk.Index)
	var index batch.ClassifiedChunk
	err := batch.ReadJSON(ctx, l.env.Artifacts, url, "", &index)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, batch.WithHint(batch.Failf(batch.ExitData, "chunk %d is not classified: %w", chunk.Index, err), "run txflow classify first")
	case err != nil:
		return nil, err
	case index.Chunk != chunk.SHA256 || len(index.Parts) != len(chunk.Segments):
		return nil, batch.WithHint(batch.Failf(batch.ExitData, "%s is of another chunk", url), "run txflow classify again")
	}
	return index.Parts, nil
}
