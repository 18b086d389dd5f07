package reconcile

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// PipelineLedger compares what the pipelines stored.
type PipelineLedger interface {
	// ComparePipelines returns how many ids were compared, those of one source or, for nil, of all, and the first
	// findings of each kind.
	ComparePipelines(ctx context.Context, source *string, limit int) (compared int64, found ledger.Findings, err error)
}

// Pipelines fails with exit code 65 when batch and stream do not agree. The manifest counts the ids.
func Pipelines(ctx context.Context, env *tasks.Env, entries PipelineLedger, source *string, limit int) (*batch.Manifest,
	error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		compared, found, err := entries.ComparePipelines(ctx, source, limit)
		m.Counts.In = compared
		if err != nil || found.Total() == 0 {
			return err
		}
		return found.Err("batch and stream do not agree")
	})
}
