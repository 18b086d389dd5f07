package runcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/run"
)

// Pipeline does all five tasks with the real adapters and shows how far they are.
func Pipeline(ctx context.Context, rt *app.Runtime, env *tasks.Env, api *client.Client, db *store.Store,
	cfg run.Config) (ledger.RunRecord, error) {
	_, _ = fmt.Fprintf(rt.Stderr, "run %s, artifacts in %s\n", env.RunID, env.Layout.Root)
	display := progress.New(rt.Stderr, rt.Interactive)
	r := run.Runner{Env: *env, Sources: rt.Artifacts, Predictor: api, Store: db, Ledger: db, Recorder: db,
		Observer: display}
	record, err := r.Run(ctx, cfg)
	display.Close()
	if err == nil {
		summarise(rt.Stderr, &record)
	}
	return record, err
}

// summarise shows that the counts add up: the reconciled run has every row in exactly one place.
func summarise(w io.Writer, r *ledger.RunRecord) {
	n, took := r.Counts, r.FinishedAt.Sub(r.StartedAt)
	superseded := ""
	if n.Superseded > 0 {
		superseded = fmt.Sprintf(" (of them %s superseded by newer contents)", display.Thousands(n.Superseded))
	}
	if n.OtherSources > 0 {
		_, _ = fmt.Fprintf(w, "warning: %s %s also stored for other sources, and one row of an id replaces the other\n",
			display.Count(n.OtherSources, "id"), display.Are(n.OtherSources))
	}
	_, _ = fmt.Fprintf(w, "%s = %s stored%s + %s rejected + %s + %s, reconciled; %s, %s rows/s\n",
		display.Count(n.In, "row"), display.Thousands(n.Stored), superseded, display.Thousands(n.Rejected),
		display.Count(n.Duplicates, "duplicate"), display.Count(n.DeadLettered, "dead letter"), took.Round(time.Millisecond),
		display.Thousands(int64(float64(n.In)/took.Seconds())))
}
