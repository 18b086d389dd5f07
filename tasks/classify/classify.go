// Package classify asks the ML API for the categories of a chunk's rows and records the answers part by part, so that a
// task that was killed goes on where it was.
package classify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"golang.org/x/sync/errgroup"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "classify"

// Predictor asks the ML API. A nil error means that every transaction has its answer, a category or a refusal. An
// outage is waited out up to a limit; then the error carries exit code 75.
type Predictor interface {
	Predict(ctx context.Context, transactions []transaction.Transaction) (prediction.Result, error)
}

// Config says what to classify.
type Config struct {
	Chunks      *batch.Chunks
	Index       int                  // the chunk, or -1 for all
	API         string               // names the API and the model that answers: parts of another are not reused
	BatchRows   int                  // transactions a call
	Concurrency int                  // calls in flight at most
	Refusals    *prediction.Refusals // what the predictor counts refusals by; nil: each refusal is the row's own fault
}

// DefaultBatchRows is where a larger batch gains little, and a failed call still costs little.
const DefaultBatchRows = 500

// DefaultConcurrency keeps two cores busy; the client's adaptive limit lowers it for a slow API.
const DefaultConcurrency = 8

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Limit("--batch-rows", c.BatchRows, 1, 100_000), tasks.Limit("--concurrency", c.Concurrency, 1,
		1024), tasks.Limit("--index", c.Index, -1, 1<<30))
}

// segmentsAtOnce bounds memory: so many segments of rows are held.
const segmentsAtOnce = 4

// APIKey names an API and a model in the paths of parts.
func APIKey(url, model string) string {
	sum := sha256.Sum256([]byte(url + "\x00" + model))
	return hex.EncodeToString(sum[:8])
}

// Run classifies one chunk, or all. The manifest's outputs are the indexes of the parts, one a chunk.
func Run(ctx context.Context, env *tasks.Env, predictor Predictor, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, cfg.Index, func(ctx context.Context, m *batch.Manifest) error {
		chunks, err := cfg.Chunks.Select(cfg.Index)
		if err != nil {
			return err
		}
		c := &classifier{env: env, predictor: predictor, cfg: cfg, calls: make(chan struct{}, max(cfg.Concurrency, 1))}
		for i := range chunks {
			if err := c.chunk(ctx, &chunks[i], m); err != nil {
				return fmt.Errorf("chunk %d: %w", chunks[i].Index, err)
			}
		}
		return nil
	})
}

type classifier struct {
	env       *tasks.Env
	predictor Predictor
	cfg       Config
	calls     chan struct{} // a slot for each call in flight
	held      heldParts
}

// chunk classifies the segments of one chunk, several at once.
func (c *classifier) chunk(ctx context.Context, chunk *batch.Chunk, m *batch.Manifest) error {
	m.Inputs = append(m.Inputs, batch.Artifact{Name: "chunk", URL: chunk.URL, Rows: chunk.Rows, Bytes: chunk.Bytes,
		SHA256: chunk.SHA256})
	file, err := c.env.Artifacts.Open(ctx, chunk.URL, "") // its segments are checked one by one
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	rows := bufio.NewReaderSize(file, 256<<10)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(segmentsAtOnce)
	parts, counts := make([]batch.Artifact, len(chunk.Segments)), make([]ledger.Counts, len(chunk.Segments))
	for i, segment := range chunk.Segments {
		if groupCtx.Err() != nil {
			break
		}
		text, err := batch.ReadSegment(rows, segment, chunk.URL, nil)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			return c.segment(groupCtx, segment, text, &parts[i], &counts[i])
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.recordHeld(ctx, true); err != nil {
		return err
	}
	index := batch.ClassifiedChunk{Chunk: chunk.SHA256, API: c.cfg.API, Parts: parts}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		index.TraceID = sc.TraceID().String()
	}
	a, err := batch.WriteJSON(ctx, c.env.Artifacts, c.env.Layout.Classified(chunk.Index), index)
	if err != nil {
		return err
	}
	a.Name, a.Rows = batch.OutputClassified, chunk.Rows
	m.Outputs = append(m.Outputs, a)
	for _, n := range counts {
		m.Counts.Add(n)
	}
	return nil
}

// segment fills in the part of a segment: the recorded one if there is a sound one, else it asks and records. A part
// with refusals is recorded when it is sure that they are about their rows.
func (c *classifier) segment(ctx context.Context, segment batch.Segment, text []byte, a *batch.Artifact,
	n *ledger.Counts) error {
	url := c.env.Layout.Part(c.cfg.API, segment.SHA256)
	part, recorded, damaged, err := c.recorded(ctx, url, segment)
	if err != nil {
		return err
	}
	if part != nil {
		c.env.Done(segment.Rows)
		*a, *n = describe(part, recorded, segment)
		return nil
	}
	part, last, err := c.ask(ctx, segment, text)
	if err != nil {
		return err
	}
	c.held.add(heldPart{url: url, segment: segment, part: part, replace: damaged, last: last, artifact: a, counts: n})
	return c.recordHeld(ctx, false)
}

func describe(part *batch.Part, a batch.Artifact, segment batch.Segment) (batch.Artifact, ledger.Counts) {
	a.Name, a.Rows = "part", int64(segment.Rows)
	refused := int64(len(part.Refusals))
	return a, ledger.Counts{In: int64(segment.Rows), Predicted: int64(segment.Rows) - refused, DeadLettered: refused}
}

// recorded reads the part that an earlier try wrote, nil if there is none or a damaged one, which is asked again.
func (c *classifier) recorded(ctx context.Context, url string, segment batch.Segment) (part *batch.Part,
	a batch.Artifact, damaged bool, err error) {
	content, err := batch.ReadAll(ctx, c.env.Artifacts, url, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, a, false, nil
	}
	if err != nil {
		return nil, a, false, err
	}
	part, err = batch.ParsePart(content)
	if err == nil {
		err = part.Check(segment.SHA256, segment.Rows)
	}
	if err != nil {
		c.env.Log.WarnContext(ctx, "stored predictions are damaged and are requested again", "url", url, "error", err)
		return nil, a, true, nil
	}
	sum := sha256.Sum256(content)
	return part, batch.Artifact{URL: url, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}, false, nil
}

// record keeps a part. When another copy of the task was quicker, its part is the one that counts, for both.
func (c *classifier) record(ctx context.Context, url string, segment batch.Segment, part *batch.Part,
	replace bool) (*batch.Part, batch.Artifact, error) {
	w, err := c.env.Artifacts.Create(ctx, url)
	if err != nil {
		return nil, batch.Artifact{}, err
	}
	defer w.Abort()
	if _, err := w.Write(batch.AppendPart(nil, part)); err != nil {
		return nil, batch.Artifact{}, err
	}
	if replace {
		a, err := w.Commit(ctx)
		return part, a, err
	}
	a, first, err := w.CommitNew(ctx)
	if err != nil || first {
		return part, a, err
	}
	other, a, damaged, err := c.recorded(ctx, url, segment)
	if err == nil && (other == nil || damaged) {
		err = fault.Failf(fault.ExitTryAgain, "%s was written and damaged while it was asked", url)
	}
	return other, a, err
}

// ask asks for all rows of a segment, in batches that run at once as far as there are slots.
// The last refusal's number among the rows asked comes with the part, 0 for none.
func (c *classifier) ask(ctx context.Context, segment batch.Segment, text []byte) (part *batch.Part, last uint64,
	err error) {
	rows, err := decode(segment, text)
	if err != nil {
		return nil, 0, err
	}
	size := max(c.cfg.BatchRows, 1)
	results := make([]prediction.Result, (len(rows)+size-1)/size)
	group, ctx := errgroup.WithContext(ctx)
	for i := range results {
		select {
		case c.calls <- struct{}{}:
		case <-ctx.Done():
			if err := group.Wait(); err != nil {
				return nil, 0, err
			}
			return nil, 0, ctx.Err()
		}
		group.Go(func() error {
			defer func() { <-c.calls }()
			asked := rows[i*size : min((i+1)*size, len(rows))]
			result, err := c.predictor.Predict(ctx, asked)
			if err != nil {
				return err
			}
			results[i] = result
			c.env.Done(len(asked))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	for _, r := range results {
		last = max(last, r.LastRefusal())
	}
	part = batch.NewPart(segment.SHA256, results)
	return part, last, part.Check(segment.SHA256, segment.Rows)
}

func decode(segment batch.Segment, text []byte) ([]transaction.Transaction, error) {
	var decoder batch.RowDecoder
	rows := make([]transaction.Transaction, 0, segment.Rows)
	var row batch.Row
	err := decoder.Each(text, &row, func() { rows = append(rows, row.Transaction) })
	return rows, err
}
