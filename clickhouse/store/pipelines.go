package store

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	// recordingTime is how long an insert may take from the time that its entries carry to when they can be read.
	recordingTime = 10 * time.Minute
	// maxDiffering bounds the ids that are looked at again for not having agreed. While there are more, the next
	// comparison begins where this one began.
	maxDiffering = 10_000
)

// pipelinesDelta is one comparison of what batch and stream stored.
type pipelinesDelta struct {
	store    *Store
	every    bool   // all sources together
	source   string // "" with every
	baseline uint64 // when everything was compared, in microseconds: names the states that count
	since    int64  // what was recorded after this is new, in microseconds; 0: everything
	until    int64  // where the next one continues
}

// ComparePipelines compares what batch and stream stored, by the ledger: ids that only one has, and ids that were given
// different categories. It looks at the ids that were recorded since the last comparison of the same source, and at
// those that did not agree then; at all ids with everything, or where there was none. It returns the number of ids it
// looked at and the first findings of each kind. A nil source means all.
func (s *Store) ComparePipelines(ctx context.Context, source *string, everything bool, limit int) (compared int64,
	found ledger.Findings, err error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	c := &pipelinesDelta{store: s, every: source == nil}
	if source != nil {
		c.source = *source
	}
	if err := c.begin(ctx, everything); err != nil {
		return 0, found, err
	}
	switch err := c.fill(ctx); {
	case denied[Code(err)]: // of a user who may only read
		compared, found, _, err = c.differ(ctx, "pipelines/differ_by_ledger", limit, 0)
		return compared, found, err
	case err != nil:
		return 0, found, err
	}
	compared, found, differing, err := c.differ(ctx, "pipelines/differ", limit, maxDiffering)
	if err == nil {
		err = c.record(ctx, differing, found.Total())
	}
	return compared, found, err
}

func (c *pipelinesDelta) arguments(more ...string) []any {
	return named(append(more, "source", c.source, "every", zeroOne(c.every),
		"baseline", strconv.FormatUint(c.baseline, 10), "since", strconv.FormatInt(c.since, 10))...)
}

func (c *pipelinesDelta) begin(ctx context.Context, everything bool) error {
	var now, until int64
	err := c.store.retry(ctx, func(ctx context.Context) error {
		return c.store.conn.QueryRow(ctx, statements.Text("pipelines/last"), c.arguments()...).Scan(&now, &c.baseline, &until)
	})
	if err != nil {
		return err
	}
	// Whatever the server's clock does, what is recorded last counts: it is not less than what was there.
	if c.until = max(now-recordingTime.Microseconds(), until); everything || c.baseline == 0 {
		c.baseline, c.since = max(uint64(now), c.baseline+1), 0
		return nil
	}
	c.since = until
	return nil
}

// fill adds what is new to the states. All of it is read with FINAL, which knows the entries that were replaced.
func (c *pipelinesDelta) fill(ctx context.Context) error {
	settings := maps.Clone(problemSettings)
	if c.since == 0 {
		settings["final"] = 1
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings))
	return c.store.retry(ctx, func(ctx context.Context) error {
		return c.store.conn.Exec(ctx, statements.Text("pipelines/fill"), c.arguments()...)
	})
}

// differ returns the number of ids, the findings, of which some are kept, and up to so many ids that do not agree.
func (c *pipelinesDelta) differ(ctx context.Context, name string, limit, ids int) (compared int64,
	found ledger.Findings, differing []uuid.UUID, err error) {
	found.Limit = limit
	args := c.arguments("first", itoa(max(limit, ids, 1)))
	err = c.store.each(ctx, statements.Text(name), args, func(rows driver.Rows) error {
		var kind ledger.FindingKind
		var n uint64
		var first [][]any // id, origin, position
		if err := rows.Scan((*string)(&kind), &n, &first); err != nil {
			return err
		}
		compared += int64(n)
		if kind == "" {
			return nil
		}
		findings := make([]ledger.Finding, 0, len(first))
		for _, f := range first {
			id, _ := f[0].(uuid.UUID)
			finding := ledger.Finding{Kind: kind, ID: id.String()}
			finding.Origin, _ = f[1].(string)
			finding.Position, _ = f[2].(uint64)
			findings = append(findings, finding)
			differing = append(differing, id)
		}
		found.Add(int64(n), findings...)
		return nil
	})
	return compared, found, differing, err
}

var comparisonColumns = columns{
	{Name: "every_source", Type: "UInt8"}, {Name: "source", Type: "LowCardinality(String)"},
	{Name: "baseline", Type: "UInt64"}, {Name: "until", Type: microTimestamp}, {Name: "differing", Type: "Array(UUID)"},
}

var comparisonInsert = comparisonColumns.statement("pipeline_comparisons")

// record keeps where the next comparison continues, unless there are too many differences to keep.
func (c *pipelinesDelta) record(ctx context.Context, differing []uuid.UUID, found int64) error {
	if found > maxDiffering {
		return nil
	}
	return c.store.insertRows(ctx, comparisonInsert, comparisonColumns, 1, func(int) []any {
		return []any{flag(c.every), c.source, c.baseline, time.UnixMicro(c.until).UTC(), differing}
	})
}
