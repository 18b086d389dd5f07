// Package compare tells what loading a run would change: it looks up what ClickHouse has now for the ids of the run, and
// counts where the ML API's answers differ. It stands between classify and load where stored rows are classified anew.
package compare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/answers"
)

// Name is the task's name in manifests.
const Name = "compare"

// DefaultBlockRows is how many ids are looked up at once. Each look-up reads the table's ids, so few large ones are quick.
const DefaultBlockRows = 100_000

// DefaultExamples is enough to look some up by hand.
const DefaultExamples = 20

// Store looks up the current state.
type Store interface {
	// Stored calls visit for each of the ids that is stored, in no order.
	Stored(ctx context.Context, ids []transaction.ID, visit func(transaction.ID, batch.Stored)) error
}

// Config says what to compare.
type Config struct {
	Chunks     *batch.Chunks
	BlockRows  int
	Examples   int     // changed rows that are named
	MaxChanged float64 // more than this share of the stored rows is refused
}

// Report is the artifact.
type Report struct {
	RunID    string    `json:"run_id"`
	Rows     int64     `json:"rows"`    // that the ML API answered
	Refused  int64     `json:"refused"` // that it refused
	New      int64     `json:"new"`     // not stored yet
	Known    int64     `json:"known"`   // stored already
	Newer    int64     `json:"newer"`   // of those: by a later classification, which load does not replace
	Changed  int64     `json:"changed"` // of those: load gives another category
	Share    float64   `json:"share"`   // changed / known; 0 where none is known
	Changes  []Change  `json:"changes"`
	Models   []Change  `json:"models"` // of the known rows, changed or not
	Examples []Example `json:"examples"`
}

// Change counts rows that go from one category or model to another.
type Change struct {
	From string `json:"from"`
	To   string `json:"to"`
	Rows int64  `json:"rows"`
}

// Example is a changed row.
type Example struct {
	ID       string `json:"id"`
	SourceID string `json:"source_id"`
	From     string `json:"from"`
	To       string `json:"to"`
}

// Run compares all chunks of a run. The report is written also when the share is over the limit, which is exit code 65.
func Run(ctx context.Context, env *tasks.Env, store Store, cfg Config) (*batch.Manifest, *Report, error) {
	report := &Report{RunID: env.RunID, Examples: []Example{}}
	m, err := tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		c := &comparison{env: env, store: store, cfg: cfg, report: report, changes: map[pair]int64{}, models: map[pair]int64{}}
		for i := range cfg.Chunks.Chunks {
			chunk := &cfg.Chunks.Chunks[i]
			m.Inputs = append(m.Inputs, batch.Artifact{Name: "chunk", URL: chunk.URL, Rows: chunk.Rows, Bytes: chunk.Bytes, SHA256: chunk.SHA256})
			if err := c.chunk(ctx, chunk); err != nil {
				return fmt.Errorf("chunk %d: %w", chunk.Index, err)
			}
		}
		if report.Known > 0 {
			report.Share = float64(report.Changed) / float64(report.Known)
		}
		report.Changes, report.Models = sorted(c.changes), sorted(c.models)
		a, err := batch.WriteJSON(ctx, env.Artifacts, env.Layout.Comparison(), report)
		if err != nil {
			return err
		}
		a.Name, a.Rows = batch.OutputComparison, report.Rows
		m.Outputs = append(m.Outputs, a)
		m.Counts = batch.Counts{In: report.Rows + report.Refused, Predicted: report.Rows, DeadLettered: report.Refused}
		m.ChangedShare = &report.Share
		if report.Share > cfg.MaxChanged {
			return batch.WithHint(batch.Failf(batch.ExitData, "loading this run would change the category of %d of the %d rows that are stored, %.4g %%: more than the %.4g %% that are allowed",
				report.Changed, report.Known, 100*report.Share, 100*cfg.MaxChanged), "look at %s; if the change is wanted, allow it with --max-changed, or load the run", a.URL)
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
}

// answer is what is kept of a row while its id is looked up.
type answer struct {
	sourceID string
	category transaction.Category
	model    string
	at       time.Time
}

func (c *comparison) chunk(ctx context.Context, chunk *batch.Chunk) error {
	blocks, err := answers.Blocks(ctx, c.env.Artifacts, c.env.Layout, chunk, c.cfg.BlockRows)
	if err != nil {
		return err
	}
	for i := range blocks {
		if err := c.block(ctx, &blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) block(ctx context.Context, b *answers.Block) error {
	ids := make([]transaction.ID, 0, b.Rows())
	asked := make(map[transaction.ID]answer, b.Rows())
	for rows, err := range c.reader.Read(ctx, c.env.Artifacts, b, c.cfg.Chunks.Files) {
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			ids = append(ids, r.Transaction.ID)
			asked[r.Transaction.ID] = answer{r.Transaction.SourceID, r.Category, r.Call.Model, r.Call.AnsweredAt}
		}
	}
	known := int64(0)
	err := c.store.Stored(ctx, ids, func(id transaction.ID, was batch.Stored) {
		known++
		c.known(id, asked[id], was)
	})
	if err != nil {
		return fmt.Errorf("look up what is stored: %w", err)
	}
	c.report.Rows += int64(len(ids))
	c.report.Refused += int64(len(c.reader.Refused))
	c.report.Known += known
	c.report.New += int64(len(ids)) - known
	c.env.Done(int(b.Rows()))
	return nil
}

func (c *comparison) known(id transaction.ID, now answer, was batch.Stored) {
	c.models[pair{was.Model, now.model}]++
	if was.ClassifiedAt.After(now.at) {
		c.report.Newer++
		return
	}
	to := now.category.String()
	if was.Category == to {
		return
	}
	c.report.Changed++
	c.changes[pair{was.Category, to}]++
	if len(c.report.Examples) < c.cfg.Examples {
		c.report.Examples = append(c.report.Examples, Example{ID: id.String(), SourceID: now.sourceID, From: was.Category, To: to})
	}
}

// sorted gives the most frequent first.
func sorted(counts map[pair]int64) []Change {
	all := make([]Change, 0, len(counts))
	for p, n := range counts {
		all = append(all, Change{p.from, p.to, n})
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return all
}
