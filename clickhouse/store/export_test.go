package store

import (
	"context"
	"fmt"
	"strings"
)

// PipelinesFill and PipelinesDiffer are what ComparePipelines asks.
var (
	PipelinesFill   = statements.Text("pipelines/fill")
	PipelinesDiffer = statements.Text("pipelines/differ")
)

// ComparedByLedger compares the pipelines as for a user who may only read, and returns what it found.
func (s *Store) ComparedByLedger(ctx context.Context, source string) (string, error) {
	c := &pipelinesDelta{store: s, source: source}
	_, found, _, err := c.differ(ctx, "pipelines/differ_by_ledger", 1, 0)
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(found.Counts), "map["), "]"), err
}

// TransactionsOf is what Problems reads of transactions: of the parts of a run alone, or all.
func TransactionsOf(recent bool) string {
	if recent {
		return "transactions FINAL WHERE " + recentParts
	}
	return "transactions FINAL WHERE " + allParts
}

// Statements are the files below sql.
var Statements = statements

// RecentParts is the condition of the parts of a run.
var RecentParts = recentParts
