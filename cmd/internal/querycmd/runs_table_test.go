package querycmd

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/table/tabletest"
	"github.com/txflow/txflow/internal/ledger"
)

func TestTableOfRunsFits(t *testing.T) {
	t.Parallel()
	const run = "scheduled__2026-11-26T00-00-00-00-00-of-the-northern-subsidiaries"
	const source = "card-processor-of-the-northern-subsidiaries"
	began := time.Date(2026, 11, 26, 20, 15, 0, 0, time.UTC)
	counts := ledger.Counts{In: 1_234_567_890, Stored: 1_234_567_000, Rejected: 12_345_678, Duplicates: 1_234_567,
		DeadLettered: 890}
	var printed strings.Builder
	runsTable(&printed, []ledger.RunRecord{{RunID: run, Source: source, Status: "interrupted", Counts: counts,
		StartedAt: began, FinishedAt: began.Add(123 * time.Minute)}, {RunID: "r", Status: "running", StartedAt: began}})
	tabletest.Fits(t, printed.String(), run, source, "interrupted", "1,234,567,890", "12,345,678")
}
