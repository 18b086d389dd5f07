package reconcile

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// PipelineLedger compares what the pipelines stored.
type PipelineLedger interface {
	// ComparePipelines returns how many ids were compared, of one source or, for nil, of all, and the first findings of
	// each kind. It compares what is new since the last time, and what did not agree then; with everything all ids.
	ComparePipelines(ctx context.Context, source *string, everything bool, limit int) (compared int64,
		found ledger.Findings, err error)
}

// Pipelines fails with exit code 65 when batch and stream do not agree. The manifest counts the ids that were compared.
func Pipelines(ctx context.Context, env *tasks.Env, entries PipelineLedger, source *string, everything bool,
	limit int) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		compared, found, err := entries.ComparePipelines(ctx, source, everything, limit)
		m.Counts.In = compared
		if err != nil || found.Total() == 0 {
			return err
		}
		return found.Err("batch and stream do not agree")
	})
}
