// Package compare reports what loading a run would change: it looks up what ClickHouse has now for the ids of the run,
// and counts where the ML API's answers differ. It runs between classify and load where stored rows are reclassified.
package compare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/answers"
)

// Name is the task's name in manifests.
const Name = "compare"

// DefaultBlockRows is how many ids are looked up at once. Each look-up reads the table's ids, so few large ones are
// quick.
const DefaultBlockRows = 100_000

// DefaultExamples is enough to look some up by hand.
const DefaultExamples = 20

// Store looks up the current state.
type Store interface {
	// Stored calls visit for each of the ids that is stored, in no order.
	Stored(ctx context.Context, ids []transaction.ID, visit func(transaction.ID, ledger.Stored)) error
}

// Config says what to compare.
type Config struct {
	Chunks     *batch.Chunks
	BlockRows  int
	Examples   int     // changed rows that are named
	MaxChanged float64 // a greater share of changed and new rows is refused
	MaxNew     int64   // more rows that are not stored yet are refused; negative: any number is fine
}

// MaxListed bounds the lists in the manifest; the artifact has all.
const MaxListed = 20

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Share("--max-changed", c.MaxChanged), tasks.Limit("--examples", c.Examples, 0, 10_000))
}

// Report is the artifact.
type Report struct {
	RunID   string `json:"run_id"`
	Refused int64  `json:"refused"` // rows that the ML API refused
	batch.Comparison
}

// Run compares all chunks of a run. The report is written also when it is over a limit, which is exit code 65.
func Run(ctx context.Context, env *tasks.Env, store Store, cfg Config) (*batch.Manifest, *Report, error) {
	report := &Report{RunID: env.RunID, Comparison: batch.Comparison{Examples: []batch.ChangedRow{}}}
	m, err := tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		c := &comparison{env: env, store: store, cfg: cfg, report: report, changes: map[pair]int64{},
			models: map[pair]int64{}}
		for i := range cfg.Chunks.Chunks {
			chunk := &cfg.Chunks.Chunks[i]
			m.Inputs = append(m.Inputs, batch.Artifact{Name: "chunk", URL: chunk.URL, Rows: chunk.Rows, Bytes: chunk.Bytes,
				SHA256: chunk.SHA256})
			if err := c.chunk(ctx, chunk); err != nil {
				return fmt.Errorf("chunk %d: %w", chunk.Index, err)
			}
		}
		if report.Rows > 0 {
			report.Share = float64(report.Changed+report.New) / float64(report.Rows)
		}
		report.Changes, report.Models = sorted(c.changes), sorted(c.models)
		a, err := batch.WriteJSON(ctx, env.Artifacts, env.Layout.Comparison(), report)
		if err != nil {
			return err
		}
		a.Name, a.Rows = batch.OutputComparison, report.Rows
		m.Outputs = append(m.Outputs, a)
		m.Counts = ledger.Counts{In: report.Rows + report.Refused, Predicted: report.Rows, DeadLettered: report.Refused}
		m.ChangedShare, m.Comparison = &report.Share, report.Cut(MaxListed)
		if cfg.MaxNew >= 0 && report.New > cfg.MaxNew {
			return fault.WithHint(fault.Failf(fault.ExitData,
				"%s of %s %s not stored yet: loading this run would add them",
				display.Thousands(report.New), display.Count(report.Rows, "row"), display.Are(report.New)),
				"check that --source is the name under which they were stored; allow new rows with --max-new; see %s", a.URL)
		}
		if report.Share > cfg.MaxChanged {
			return fault.WithHint(fault.Failf(fault.ExitData,
				"loading this run would change %d stored rows and add %d, %.4g %% of %d: more than the %.4g %% that are allowed",
				report.Changed, report.New, 100*report.Share, report.Rows, 100*cfg.MaxChanged),
				"look at %s; if the change is wanted, allow it with --max-changed, or load the run", a.URL)
		}
		return nil
	})
	return m, report, err
}

type pair struct{ from, to string }

type comparison struct {
	env     *tasks.Env
	store   Store
	cfg     Config
	report  *Report
	changes map[pair]int64
	models  map[pair]int64
	reader  answers.Reader
	keep    []int64 // the versions of the chunk's rows, where it is reclassified
}

// answer is what is kept of a row while its id is looked up.
type answer struct {
	sourceID string
	category transaction.Category
	model    string
	at       time.Time
	version  int64
	hash     uint64
	row      int // in the chunk
}

func (c *comparison) chunk(ctx context.Context, chunk *batch.Chunk) error {
	blocks, err := answers.Blocks(ctx, c.env.Artifacts, c.env.Layout, chunk, c.cfg.BlockRows)
	if err != nil {
		return err
	}
	c.reader.Version = c.cfg.Chunks.Version()
	c.keep = nil
	for i := range blocks {
		if err := c.block(ctx, &blocks[i]); err != nil {
			return err
		}
	}
	if !c.cfg.Chunks.Reclassify {
		return nil
	}
	_, err = batch.WriteJSON(ctx, c.env.Artifacts, c.env.Layout.Versions(chunk.Index),
		batch.RowVersions{Chunk: chunk.SHA256, Versions: c.keep})
	return err
}

func (c *comparison) block(ctx context.Context, b *answers.Block) error {
	var ids []transaction.ID
	asked := make(map[transaction.ID]answer)
	for rows, err := range c.reader.Read(ctx, c.env.Artifacts, b, c.cfg.Chunks.Files) {
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			ids = append(ids, r.Transaction.ID)
			version := r.Version
			if version == 0 {
				version = r.Call.AnsweredAt.UnixMicro()
			}
			asked[r.Transaction.ID] = answer{r.Transaction.SourceID, r.Category, r.Call.Model, r.Call.AnsweredAt, version,
				r.ContentHash, c.reader.At[i]}
		}
	}
	if c.cfg.Chunks.Reclassify {
		c.keep = slices.Grow(c.keep, int(b.Rows()))
		for range b.Rows() {
			c.keep = append(c.keep, c.reader.Version)
		}
	}
	known := int64(0)
	err := c.store.Stored(ctx, ids, func(id transaction.ID, was ledger.Stored) {
		known++
		c.known(id, asked[id], was)
		delete(asked, id) // what remains is not stored
	})
	if err != nil {
		return fmt.Errorf("look up what is stored: %w", err)
	}
	for _, id := range ids {
		if now, ok := asked[id]; ok {
			c.change(id, now, "")
		}
	}
	c.report.Rows += int64(len(ids))
	c.report.Refused += int64(len(c.reader.Refused))
	c.report.Known += known
	c.report.New += int64(len(ids)) - known
	c.env.Done(int(b.Rows()))
	return nil
}

func (c *comparison) known(id transaction.ID, now answer, was ledger.Stored) {
	c.models[pair{was.Model, now.model}]++
	if c.cfg.Chunks.Reclassify {
		now.version = was.Version
		if was.ContentHash != now.hash {
			now.version = batch.NeverReplaces
		}
		c.keep[now.row] = now.version
	}
	if was.Version > now.version || was.Version == now.version && was.ClassifiedAt.After(now.at) {
		c.report.Newer++
		return
	}
	c.report.Replaced++
	if was.ContentHash != now.hash {
		c.report.Contents++
	}
	to := now.category.String()
	if was.Category == to {
		return
	}
	c.report.Changed++
	c.change(id, now, was.Category)
}

// change counts a row that load would store otherwise than it is; from is "" for one that is not stored.
func (c *comparison) change(id transaction.ID, now answer, from string) {
	to := now.category.String()
	c.changes[pair{from, to}]++
	if len(c.report.Examples) < c.cfg.Examples {
		c.report.Examples = append(c.report.Examples, batch.ChangedRow{ID: id.String(), SourceID: now.sourceID, From: from,
			To: to})
	}
}

// sorted gives what is new first, then the most frequent.
func sorted(counts map[pair]int64) []batch.Change {
	all := make([]batch.Change, 0, len(counts))
	for p, n := range counts {
		all = append(all, batch.Change{From: p.from, To: p.to, Rows: n})
	}
	slices.SortFunc(all, func(a, b batch.Change) int {
		if (a.From == "") != (b.From == "") {
			return cmp.Compare(len(a.From), len(b.From))
		}
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return all
}
