package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// exitMeaning is what an exit code means, and what a scheduler should do with it.
var exitMeaning = map[string]string{
	"0":   "done | continue",
	"64":  "wrong usage: a flag, an argument, a command | fail; correct the command",
	"65":  "bad data: the message says which file, line and column | fail; correct the data",
	"69":  "a dependency is unavailable or wrongly configured | retry",
	"70":  "a fault of txflow itself | fail; report it with the log",
	"75":  "a dependency was waited for as long as allowed, or a resource such as disk is short | retry",
	"99":  "nothing to do: no rows, no new files, nothing that matches | skip",
	"130": "interrupted by a signal; completed work is kept | depends on who interrupted",
}

var issueMeaning = map[string]string{
	"missing_description": "the description is empty; weight 0.1",
	"missing_merchant":    "the merchant is empty, which is allowed; weight 0",
	"amount_outlier":      "the amount is outside Tukey's outer fences (3 × IQR) of log(amount), by side; weight 0.1",
	"duplicate":           "an earlier row has the same id and content; weight 0.5",
}

// tables are those that users read, with what each answers.
var tables = [][2]string{
	{"transactions", "The current state: one row an id. Read it with `FINAL`."},
	{"outcomes", "The ledger: what became of each input row or message, one row each. Read it with `FINAL`."},
	{"dead_letters", "Rejected rows and messages, with their raw content. Read it with `FINAL`."},
	{"runs", "Run metadata, one row a run. Read it with `FINAL`."},
	{"task_runs", "Every attempt of every task, done or failed. Read it with `FINAL`."},
	{"category_totals", "Totals by category, exact over the current state."},
	{"category_monthly", "Totals by month and category, exact over the current state."},
	{"category_daily", "Totals by day and category, refreshed every minute."},
	{"merchant_totals", "Totals by merchant, exact over the current state."},
	{"side_totals", "Totals by side and category, exact over the current state."},
	{"run_outcomes", "How many rows of each run had which outcome."},
	{"open_dead_letters", "Open dead letters by reason."},
	{"events", "Business events: of one id the message that was published first. Read it with `FINAL`."},
	{"events_bronze", "Messages of `events.raw` as they came, for 30 days. Read it with `FINAL`."},
	{"events_summary", "Events by account, type, context and hour of the event, exact over the current state."},
	{"company_analytics", "What each account did, and how good its events are, exact over the current state."},
	{"event_type_summary", "How often each type comes, and how good its events are, exact over the current state."},
}

// columnMeaning explains columns that have no comment in the schema; "table.column" wins over "column".
var columnMeaning = map[string]string{
	"id":        "UUID: the source's own, or UUIDv5 of the source's name and its id",
	"source":    "name of the source system (`--source`)",
	"source_id": "id as the source wrote it", "description": "text of the transaction",
	"amount":    "signed amount, exact to four decimals; no currency",
	"timestamp": "time of the transaction (UTC)", "merchant": "merchant; null when empty",
	"operation_type": "such as card or transfer",
	"side":           "debit (amount below zero) or credit", "category": "category that the ML API assigned",
	"model_version": "model that assigned it",
	"classified_at": "time of the prediction", "pipeline": "`batch` or `stream`",
	"run_id":   "run, or consumer group of the stream",
	"task_try": "attempt of the task that stored it", "origin": "URL of the file, or topic",
	"origin_digest": "SHA-256 of the file, or CLUSTER_ID/TOPIC_ID",
	"partition":     "index of the file in its run, from 0, or Kafka partition",
	"position":      "line in the file from 1, or offset",
	"chunk":         "SHA-256 of the chunk; empty for the stream",
	"content_hash":  "hash of the contents; a 64-bit integer: read it as a string in JSON",
	"span_id":       "span of the ML call", "sampled": "whether the trace is sampled, thus exported",
	"inserted_at":          "time of the insert",
	"outcome":              "stored, rejected, duplicate, dead_letter, or erased for an event of a forgotten person",
	"dead_letters.outcome": "rejected or dead_letter",
	"code":                 "[reason code](reason-codes.md); empty when stored",
	"first_position":       "of a duplicate: line or offset of the first row", "recorded_at": "time of the entry",
	"message": "the reason in words",
	"raw":     "the row or message as it came", "state": "open, replayed, resolved or purged",
	"replays": "how often it was replayed",
	"attempt": "attempt of the ML call", "trace_id": "trace of the ML call", "runs.trace_id": "trace of the run",
	"task_runs.trace_id": "trace of the task",
	"first_seen":         "time of its first rejection", "updated_at": "time of the last change",
	"status": "status of the attempt: done, failed or interrupted",
	"files":  "number of source files", "rows_in": "input rows", "accepted": "rows that passed validation",
	"rejected":   "rows that broke a rule",
	"duplicates": "rows whose id and content came before", "predicted": "rows with a prediction",
	"dead_lettered": "rows that the ML API refused",
	"stored":        "rows in `transactions`", "error": "error of the last failure; empty without",
	"started_at": "start (UTC)", "finished_at": "end (UTC); null while running",
	"lease_until": "renewed while a process works on the run; past it the run is `interrupted`",
	"task":        "name of the task", "try": "attempt, from 1",
	"exit_code": "[exit code](exit-codes.md)", "duration_ms": "duration in milliseconds",
	"manifest":     "the task's manifest (JSON)",
	"transactions": "number of transactions", "debit": "sum of debits, negative", "credit": "sum of credits",
	"net":   "sum of all amounts",
	"month": "first day of the month", "day": "day (UTC)", "rows": "number of rows",
	"oldest": "first seen, the oldest of them", "newest": "first seen, the newest of them",
	"dead_letters": "number of dead letters", "column": "column that broke the rule",
}

var (
	columnLine  = regexp.MustCompile("(?m)^    `([a-z_0-9]+)` (.+?),?$")
	nested      = regexp.MustCompile("\n(?: {8,}|    (\\)))") // a type of several lines
	commentPart = regexp.MustCompile(` COMMENT '((?:[^'\\]|\\.)*)'`)
	typeEnd     = regexp.MustCompile(` (DEFAULT|MATERIALIZED|COMMENT|CODEC) ?.*$`)
	orderPart   = regexp.MustCompile(`(?m)^ORDER BY (.+)$`)
)

func tablesPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(generatedMark +
		"# Tables and views\n\nThose of the ClickHouse database `txflow` that are meant to be read. " +
		"[clickhouse/schema](../../clickhouse/schema) has the statements.\n")
	for _, entry := range tables {
		sql, err := os.ReadFile(filepath.Join(harness.Repository, "clickhouse", "schema", entry[0]+".sql"))
		harness.Must(t, err)
		fmt.Fprintf(&b, "\n## %s\n\n%s", entry[0], entry[1])
		if order := orderPart.FindSubmatch(sql); order != nil &&
			strings.HasPrefix(string(sql[strings.Index(string(sql), "CREATE"):]), "CREATE TABLE") {
			fmt.Fprintf(&b, " Key: `%s`.", strings.Trim(string(order[1]), "()"))
		}
		b.WriteString("\n\n| column | type | meaning |\n| --- | --- | --- |\n")
		for _, column := range columnLine.FindAllSubmatch(nested.ReplaceAll(sql, []byte("$1")), -1) {
			name, rest := string(column[1]), string(column[2])
			meaning := ""
			if comment := commentPart.FindStringSubmatch(rest); comment != nil {
				meaning = strings.ReplaceAll(comment[1], `\'`, "'")
			}
			for _, key := range []string{name, entry[0] + "." + name} {
				if own, ok := columnMeaning[key]; ok && (meaning == "" || strings.Contains(key, ".")) {
					meaning = own
				}
			}
			if meaning == "" {
				t.Errorf("column %s.%s has no comment in the schema and no meaning in columnMeaning", entry[0], name)
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", name, typeEnd.ReplaceAllString(rest, ""), cell(meaning))
		}
	}
	return b.String()
}
