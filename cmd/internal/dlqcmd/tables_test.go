package dlqcmd

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/table/tabletest"
	"github.com/txflow/txflow/internal/ledger"
)

const (
	longColumn = "/attributes/message_id_stamp"
	longSource = "card-processor-of-the-northern-subsidiaries"
	longID     = "3f0c8a9e-5a54-4a4f-8a6b-0f5f5a1c9d21-of-the-northern-subsidiaries"
	longOrigin = "s3://transactions-of-the-northern-subsidiaries/2026/11/26/export-of-the-day.csv.zst"
	longCode   = "schema_property_of_wrong_type"
)

func TestTablesOfDeadLettersFit(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 11, 26, 20, 15, 0, 0, time.UTC)
	var counts, list strings.Builder
	total := countsTable(&counts, []ledger.DeadLetterCount{
		{Pipeline: "events", Source: longSource, Code: longCode, Column: longColumn, State: "open", Rows: 12_345_678,
			Oldest: seen},
		{Pipeline: "batch", Code: "bad_amount", State: "replayed", Rows: 1, Oldest: seen},
	})
	if total != 12_345_679 {
		t.Errorf("%d dead letters", total)
	}
	tabletest.Fits(t, counts.String(), longSource, longCode, longColumn, "12,345,678", "2026-11-26T20:15:00Z")
	listTable(&list, []ledger.DeadLetterState{
		{Code: longCode, Column: longColumn, SourceID: longID, State: "replayed", Replays: 12, FirstSeen: seen,
			Origin: ledger.Origin{Origin: longOrigin, Partition: 127, Position: 1 << 62}},
		{Code: "bad_amount", State: "open", FirstSeen: seen, Origin: ledger.Origin{Origin: "transactions.raw"}},
	})
	tabletest.Fits(t, list.String(), longCode, longColumn, longID, longOrigin, "4611686018427387904",
		"- - transactions.raw")
}
