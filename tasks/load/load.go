// Package load stores a chunk's classified rows in ClickHouse, each with its entry in the ledger. The first chunk
// brings the run's rejects and duplicates along. Storing again what is stored changes nothing: the keys see to it.
package load

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/answers"
)

// Name is the task's name in manifests.
const Name = "load"

// Pipeline is the name of this pipeline in every table.
const Pipeline = "batch"

// Store takes rows, a block an insert. A nil error means that ClickHouse has them; it may have seen them before. The
// implementation waits out an outage; its errors carry exit codes.
type Store interface {
	// InsertClassified stores one block, which comes in pieces; a piece is only good until the next. For another try the
	// rows are asked for again. Their error is returned as it is.
	InsertClassified(ctx context.Context, info ledger.RunInfo, rows iter.Seq2[[]ledger.Classified, error]) error
	InsertDeadLetters(ctx context.Context, info ledger.RunInfo, rows []ledger.DeadLetter) error
	InsertDuplicates(ctx context.Context, info ledger.RunInfo, rows []ledger.Duplicate) error
	// ResolveLetters closes the dead letters of a source whose rows have been stored since.
	ResolveDeadLetters(ctx context.Context, source string) error
}

// Config says what to load.
type Config struct {
	Chunks    *batch.Chunks
	Index     int // the chunk, or -1 for all
	BlockRows int // rows an insert: few and large, since an insert has a fixed cost
	Inserts   int // inserts at once
}

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Limit("--block-rows", c.BlockRows, 1, 1_000_000), tasks.Limit("--index", c.Index, -1, 1<<30))
}

// DefaultBlockRows is below ClickHouse's own block size, so that one insert stays one block.
const DefaultBlockRows = 100_000

// DefaultInserts lets a block be read while another is stored.
const DefaultInserts = 2

// Run loads one chunk, or all.
func Run(ctx context.Context, env *tasks.Env, store Store, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, cfg.Index, func(ctx context.Context, m *batch.Manifest) error {
		chunks, err := cfg.Chunks.Select(cfg.Index)
		if err != nil {
			return err
		}
		l := &loader{env: env, store: store, cfg: cfg, manifest: m}
		l.info = ledger.RunInfo{Pipeline: Pipeline, RunID: env.RunID, TaskTry: env.Try, Source: env.Source}
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			l.info.OriginTraceID = sc.TraceID().String()
		}
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(cfg.Inserts)
		for i := range chunks {
			if err := l.chunk(groupCtx, &chunks[i], group); err != nil {
				if cause := group.Wait(); cause != nil {
					return cause // a block failed first, which is why no more were begun
				}
				return fmt.Errorf("chunk %d: %w", chunks[i].Index, err)
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if err := store.ResolveDeadLetters(ctx, env.Source); err != nil {
			return fmt.Errorf("close dead letters that this run corrected: %w", err)
		}
		return allRefused(m.Counts)
	})
}

// allRefused fails a load whose every row was refused: too few for classify to see that the ML API is out of order, and
// still no result that anybody wants. The dead letters are stored.
func allRefused(n ledger.Counts) error {
	if n.DeadLettered == 0 || n.Stored > 0 {
		return nil
	}
	return fault.WithHint(fault.Failf(fault.ExitData, "the ML API refused all %s; each is a dead letter now",
		display.Count(n.DeadLettered, "row")),
		"txflow dlq list shows why; repair the rows or the ML API, and run the file again")
}

type loader struct {
	env      *tasks.Env
	store    Store
	cfg      Config
	manifest *batch.Manifest
	info     ledger.RunInfo
	mu       sync.Mutex // guards the manifest's counts
	readers  sync.Pool  // of *answers.Reader
}

// chunk has a chunk's blocks stored, as many at once as the group allows.
func (l *loader) chunk(ctx context.Context, chunk *batch.Chunk, group *errgroup.Group) error {
	if chunk.Index == 0 {
		if err := l.leftOut(ctx); err != nil {
			return err
		}
	}
	blocks, err := answers.Blocks(ctx, l.env.Artifacts, l.env.Layout, chunk, l.cfg.BlockRows)
	if err != nil {
		return err
	}
	if l.cfg.Chunks.Reclassify {
		if err := answers.KeepVersions(ctx, l.env.Artifacts, l.env.Layout, chunk, blocks); err != nil {
			return err
		}
	}
	l.manifest.Inputs = append(l.manifest.Inputs, batch.Artifact{Name: "chunk", URL: chunk.URL, Rows: chunk.Rows,
		Bytes: chunk.Bytes, SHA256: chunk.SHA256})
	for _, b := range blocks {
		group.Go(func() error {
			if err := l.insert(ctx, &b); err != nil {
				return fmt.Errorf("chunk %d: %w", chunk.Index, err)
			}
			return nil
		})
	}
	return ctx.Err()
}

// insert stores a block, and the dead letters that were found in it.
func (l *loader) insert(ctx context.Context, b *answers.Block) error {
	r, ok := l.readers.Get().(*answers.Reader)
	if !ok {
		r = &answers.Reader{}
	}
	defer l.readers.Put(r)
	info := l.info
	info.Chunk = b.Chunk.SHA256
	r.Version = l.cfg.Chunks.Version()
	if err := l.store.InsertClassified(ctx, info, r.Read(ctx, l.env.Artifacts, b, l.cfg.Chunks.Files)); err != nil {
		return fmt.Errorf("store rows: %w", err)
	}
	if len(r.Refused) > 0 {
		if err := l.store.InsertDeadLetters(ctx, info, r.Refused); err != nil {
			return fmt.Errorf("store %d dead letters: %w", len(r.Refused), err)
		}
	}
	refused := int64(len(r.Refused))
	l.count(ledger.Counts{In: b.Rows(), Stored: b.Rows() - refused, DeadLettered: refused})
	l.env.Done(int(b.Rows()))
	return nil
}
