package store

import (
	"context"
	"fmt"
	"strings"
)

// PipelinesFill and PipelinesDiffer are what ComparePipelines asks.
var (
	PipelinesFill   = pipelinesFill
	PipelinesDiffer = pipelinesDiffer
)

// ComparedByLedger compares the pipelines as for a user who may only read, and returns what it found.
func (s *Store) ComparedByLedger(ctx context.Context, source string) (string, error) {
	c := &pipelinesDelta{store: s, source: source}
	_, found, _, err := c.differ(ctx, pipelinesDifferByLedger, 1, 0)
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(found.Counts), "map["), "]"), err
}

// NewerThanRun is what Superseded reads of transactions.
const NewerThanRun = newerThanRun

// TransactionsOf is what Problems reads of transactions: of the parts of a run alone, or all.
func TransactionsOf(recent bool) string {
	if recent {
		return recentParts
	}
	return allParts
}

// Sampled and OtherSourcesQuery are what OtherSources asks.
const (
	Sampled           = sampled
	OtherSourcesQuery = otherSources
)
