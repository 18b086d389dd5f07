package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/sqlfile/sqltest"
)

// Every file of queries is called by a page, by its name.
func TestEveryQueryIsUsed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(content)
		}
	}
	for _, name := range queries.Names() {
		if !strings.Contains(code.String(), `"`+name+`"`) {
			t.Errorf("queries/%s.sql: nothing calls it", name)
		}
	}
}

// What every query of the pages answers, over the fixed data set.
func TestQueries(t *testing.T) {
	t.Parallel()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	core, err := schema.Core()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.Up(t.Context(), db, core, func(migrate.Migration) {}); err != nil {
		t.Fatal(err)
	}
	sqltest.Fill(t, url)
	for _, sql := range []string{"SYSTEM REFRESH VIEW category_entries_refresh",
		"SYSTEM WAIT VIEW category_entries_refresh"} {
		embeddedtest.Exec(t, url, sql)
	}
	const (
		id    = "00000000-0000-0000-0000-0000000000"
		allOf = "it adds up all rows"
	)
	place := values{"run": "r1", "pipeline": "batch", "after": "0", "origin": "", "digest": "", "partition": "0",
		"position": "0", "limit": "10", "raw": "0", "code": ""}
	after := values{"run": "r1", "pipeline": "batch", "after": "1", "origin": "file:///a.csv", "digest": "d1",
		"partition": "0", "position": "3", "limit": "10", "raw": "1", "code": "not_a_number"}
	filter := func(pairs ...string) values {
		all := values{"after": id + "00", "category": "", "source": "", "any_source": "1", "pipeline": "", "side": "",
			"merchant": "", "any_merchant": "1", "no_merchant": "0", "from": "", "to": "", "limit": "10"}
		for i := 0; i+1 < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	sqltest.Run(t, url, queries, "testdata/sql", []sqltest.Case{
		{Name: "activity"},
		{Name: "dead_letters_of_source_id", Args: values{"id": "s1"}},
		{Name: "dead_letters_open"},
		{Name: "events_last", Args: values{"limit": "10"}},
		{Name: "events_types"},
		{Name: "journal", Around: "SELECT renewed > now() - 600, exception FROM (%s)"},
		{Name: "merchants", Whole: allOf},
		{Name: "months", Args: nil},
		{Name: "months_live", Whole: allOf},
		{Name: "run_duplicates", Args: place},
		{Name: "run_duplicates", Args: after},
		{Name: "run_issues", Args: place, Whole: "dead letters are few"},
		{Name: "run_rejected", Args: place, Whole: "dead letters are few"},
		{Name: "run_rejected", Args: after},
		{Name: "run_stored", Args: place},
		{Name: "run_stored", Args: after},
		{Name: "run_tasks", Args: place},
		{Name: "runs", Args: values{"run": "", "source": "", "status": "", "before": "", "before_run": "", "limit": "5"}},
		{Name: "runs", Args: values{"run": "", "source": "", "status": "", "before": "1717329600000", "before_run": "r3",
			"limit": "5"}},
		{Name: "runs_by_status", Args: values{"days": "60000"}},
		{Name: "runs_by_status", Args: values{"days": "1"}},
		{Name: "size"},
		{Name: "sources", Whole: allOf},
		{Name: "transactions_by_id", Args: values{"ids": id + "01," + id + "03," + id + "04"},
			Around: "SELECT * EXCEPT (inserted_at) FROM (%s)"},
		{Name: "transactions_found", Args: filter()},
		{Name: "transactions_found", Args: filter("after", id+"02", "category", "Travel", "side", "debit", "any_source", "0",
			"source", "crm", "pipeline", "stream")},
		{Name: "transactions_found", Args: filter("any_merchant", "0", "merchant", "Market")},
		{Name: "transactions_found", Args: filter("no_merchant", "1")},
		{Name: "transactions_found", Args: filter("from", "0")},
		{Name: "transactions_found", Args: filter("to", "0")},
		{Name: "transactions_last", Args: values{"pipeline": "stream", "limit": "5"}},
		{Name: "versions", Args: values{"id": id + "01"}, Around: "SELECT * EXCEPT (inserted_at) FROM (%s)"},
		{Name: "volume", Args: values{"bucket": "3600", "from": "1717243200"}},
	})
	// The driver's own times reach from 1678 to 2262 only.
	found, err := rows[transactionRow](t.Context(), db, "transactions_by_id", values{"ids": id + "03," + id + "04"})
	if err != nil || len(found) != 2 || found[0].Timestamp.Year() != 9999 || found[1].Timestamp.Year() != 1 {
		t.Errorf("the years 9999 and 1 are read as %v (%v)", found, err)
	}
}
