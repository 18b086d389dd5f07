package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/ui"
)

// TestMetrics has Prometheus count the runs of a day by what became of them; one that is run again counts once.
func TestMetrics(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	tokens, err := secret.NewTokens("t", "")
	must(t, err)
	u := pages(t, address, func(cfg *ui.Config) { cfg.Tokens = tokens })
	now := time.Now()
	for _, r := range []ledger.RunRecord{
		{RunID: "failed", Status: "failed", StartedAt: now.Add(-time.Hour)},
		{RunID: "again", Status: "failed", StartedAt: now.Add(-time.Hour)},
		{RunID: "again", Status: "done", StartedAt: now.Add(-time.Hour)},
		{RunID: "gone", Status: "running", StartedAt: now.Add(-time.Hour), LeaseUntil: now.Add(-time.Minute)},
		{RunID: "old", Status: "failed", StartedAt: now.Add(-25 * time.Hour)},
	} {
		r.Pipeline = "batch"
		must(t, db.RecordRun(t.Context(), r))
	}
	if w := get(t, u, "/metrics"); w.Code != http.StatusUnauthorized {
		t.Errorf("without the token: %d", w.Code)
	}
	w := get(t, u, "/metrics", func(r *http.Request) { r.Header.Set("Authorization", "Bearer t") })
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, want := range []string{`txflow_runs{status="done"} 1`, `txflow_runs{status="failed"} 1`,
		`txflow_runs{status="interrupted"} 1`, `txflow_runs{status="running"} 0`, "go_goroutines"} {
		if !strings.Contains(w.Body.String(), want+"\n") && !strings.Contains(w.Body.String(), want+" ") {
			t.Errorf("%s is missing in\n%s", want, w.Body)
		}
	}
}
