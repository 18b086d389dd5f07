package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// TestQuestionsDoNotWait asks a ClickHouse that is not there: the answer says what to start, at once.
func TestQuestionsDoNotWait(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	for _, command := range []string{"report", "runs", "lineage 1", "dlq list", "dlq show a 0 1", "dlq replay --dry-run",
		"dlq purge --all --dry-run"} {
		started := time.Now()
		code, r := p.Run(append(strings.Fields(command), "--clickhouse-url", "http://127.0.0.1:1")...)
		if code != fault.ExitUnavailable || !strings.Contains(r.Stderr.String(), "txflow platform") {
			t.Errorf("%s: exit %d, %s", command, code, r.Stderr.String())
		}
		if took := time.Since(started); took > 30*time.Second {
			t.Errorf("%s took %s", command, took)
		}
	}
	if code, r := p.Run("runs", "--clickhouse-url", "http://127.0.0.1:1", "--clickhouse-outage",
		"1s"); code != fault.ExitTryAgain || !strings.Contains(r.Stderr.String(), "was unavailable for") {
		t.Errorf("runs that may wait: exit %d, %s", code, r.Stderr.String())
	}
}
