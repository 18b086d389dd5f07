package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/sqlfile/sqltest"
)

// Every file below sql is called by the code, by its name, and the code calls no other.
func TestEveryStatementIsUsed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	must(t, err)
	named := regexp.MustCompile(`"([a-z]+(?:_[a-z]+)*/[a-z_]+)"`)
	var called []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		must(t, err)
		for _, match := range named.FindAllStringSubmatch(string(content), -1) {
			called = append(called, match[1])
		}
	}
	for _, name := range store.Statements.Names() {
		if !slices.Contains(called, name) {
			t.Errorf("sql/%s.sql: nothing calls it", name)
		}
	}
}

// args are parameters: those of a group, and more.
func args(of map[string]string, pairs ...string) map[string]string {
	all := map[string]string{}
	for name, value := range of {
		all[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

const (
	id    = "00000000-0000-0000-0000-0000000000"
	allOf = "it adds up all rows"
	noKey = "dead letters are few, and the parameter selects by no key"
)

var (
	ofRun    = map[string]string{"pipeline": "batch", "run": "r1", "limit": "10", "source": "bank"}
	ofStream = map[string]string{"group": "g", "topic": "transactions.in", "partition": "0", "from": "10", "to": "15",
		"log": "c/t", "limit": "10"}
	ofEvents = map[string]string{"topic": "events.raw", "partition": "0", "from": "0", "to": "100", "log": "c/e"}
	selected = map[string]string{"pipeline": "", "origin": "", "code": "", "source": "", "state": "", "id": "",
		"source_id": "", "since": "", "until": "", "replays": "", "at": "0", "at_origin": "", "at_partition": "0",
		"at_position": "0", "after": "0", "after_origin": "", "after_digest": "", "after_partition": "0",
		"after_position": "0", "limit": "100", "raw": "0", "sizes": "0"}
	reported = map[string]string{"by": "category", "sort": "name", "any_source": "1", "source": "", "category": "",
		"from": "", "to": ""}
	compared = map[string]string{"source": "", "every": "1", "baseline": "1717243200000000", "since": "0", "first": "5"}
	erasing  = map[string]string{"erasure": id + "e1", "user": "ann", "account": "", "before": "1717300000000000"}
)

// What every statement answers, over the fixed data set.
func TestStatements(t *testing.T) {
	t.Parallel()
	db := open(t)
	sqltest.Fill(t, db.url)
	keys := map[string]string{"keys": "(origin = 'file:///a.csv' AND origin_digest = 'd1' AND partition = 0 AND " +
		"position IN (4))" +
		" OR " +
		"(origin = 'file:///0.csv' AND origin_digest = 'd0' AND partition = 0 AND position IN (2, 3))"}
	ids := map[string]string{"ids": id + "01," + id + "02," + id + "99"}
	eventIDs := map[string]string{"ids": id + "21," + id + "23," + id + "99"}
	every, recent := map[string]string{"parts": "1"}, map[string]string{"parts": store.RecentParts}
	cases := []sqltest.Case{
		{Name: "transactions/stored", Texts: ids, Unordered: true},
		{Name: "transactions/current", Args: args(nil, "id", id+"01"),
			Around: "SELECT * EXCEPT (inserted_at) FROM (%s) FORMAT Vertical"},
		{Name: "transactions/current", Args: args(nil, "id", id+"99")},
		{Name: "ledger/of_file", Args: args(ofRun, "origin", "file:///a.csv", "partition", "0")},
		{Name: "ledger/counts", Args: ofRun},
		{Name: "ledger/first_stored", Args: ofRun},
		{Name: "ledger/of_id", Args: args(nil, "id", id+"01")},
		{Name: "ledger/agreement", Args: ofRun, Texts: every, Whole: "all parts are read"},
		{Name: "ledger/agreement", Args: ofRun, Texts: recent, Whole: "_part is no index"},
		{Name: "ledger/agreement", Args: args(ofRun, "run", "r2"), Texts: every, Whole: "all parts are read"},
		{Name: "ledger/missing", Args: ofRun, Texts: every, Whole: "all parts are read"},
		{Name: "ledger/missing", Args: args(ofRun, "run", "r2"), Texts: recent, Whole: "_part is no index"},
		{Name: "ledger/changed", Args: ofRun, Texts: every, Whole: "all parts are read"},
		{Name: "ledger/invented", Args: ofRun, Texts: every, Whole: "all parts are read"},
		{Name: "ledger/doubled", Args: ofRun},
		{Name: "ledger/no_dead_letter", Args: ofRun},
		{Name: "ledger/any_newer", Args: ofRun},
		{Name: "ledger/any_newer", Args: args(ofRun, "run", "r2")},
		{Name: "ledger/superseded", Args: ofRun},
		{Name: "ledger/other_sources", Args: ofRun},
		{Name: "ledger/other_sources_sample", Args: ofRun},
		{Name: "stream/entries", Args: ofStream},
		{Name: "stream/missing", Args: ofStream},
		{Name: "stream/changed", Args: ofStream},
		{Name: "stream/no_dead_letter", Args: ofStream},
		{Name: "dead_letters/messages", Texts: keys, Unordered: true},
		{Name: "dead_letters/first_seen", Texts: keys, Unordered: true},
		{Name: "dead_letters/list", Args: selected, Whole: noKey},
		{Name: "dead_letters/list", Args: args(selected, "origin", "file:///0.csv", "raw", "1", "sizes", "1", "limit", "1")},
		{Name: "dead_letters/list", Args: args(selected, "id", id+"01", "sizes", "1")},
		{Name: "dead_letters/list", Args: args(selected, "source_id", "s2", "state", "resolved")},
		{Name: "dead_letters/list", Args: args(selected, "at", "1", "at_origin", "file:///a.csv", "at_position", "4")},
		{Name: "dead_letters/list", Args: args(selected, "after", "1", "after_origin", "events.raw", "after_digest", "c/e",
			"after_position", "24")},
		{Name: "dead_letters/list", Args: args(selected, "since", "1714565100000000", "until", "1714565100000001"),
			Whole: noKey},
		{Name: "dead_letters/list", Args: args(selected, "pipeline", "stream", "code", "json", "source", "crm",
			"replays", "3"), Whole: noKey},
		{Name: "dead_letters/list", Args: args(selected, "replays", "0"), Whole: noKey},
		{Name: "dead_letters/ends", Args: args(selected, "state", "open")},
		{Name: "dead_letters/counts", Args: selected, Whole: noKey},
		{Name: "dead_letters/of_id", Args: args(nil, "id", id+"01")},
		{Name: "dead_letters/resolved", Args: ofRun},
		{Name: "dead_letters/resolved_events", Args: args(ofRun, "source", "")},
		{Name: "events/gold", Args: args(nil, "id", id+"21")},
		{Name: "events/erased", Args: args(nil, "id", id+"23")},
		{Name: "events/erased", Args: args(nil, "id", id+"21")},
		{Name: "events/dead_letter", Args: args(nil, "id", id+"24")},
		{Name: "events/raw", Args: args(nil, "id", id+"21")},
		{Name: "events/story", Args: args(nil, "id", id+"21"), Around: "SELECT * FROM (%s) FORMAT Vertical"},
		{Name: "events/story_messages", Args: args(nil, "id", id+"22", "limit", "5")},
		{Name: "events/story_dead_letters", Args: args(nil, "id", id+"22", "limit", "5")},
		{Name: "events/package", Args: args(nil, "package", id+"aa")},
		{Name: "events/ledger", Args: ofEvents},
		{Name: "events/dead_letter_offsets", Args: ofEvents},
		{Name: "events/claims", Args: ofEvents, Texts: eventIDs, Unordered: true},
		{Name: "events/rollup_lag", Args: args(nil, "most", "10", "after_ms", "0", "after_id", uuid.Nil.String(),
			"after_version", "0"),
			Around: "SELECT * EXCEPT `toUnixTimestamp64Micro(now64(6))` FROM (%s)"},
		{Name: "events/stored", Texts: eventIDs, Unordered: true},
		{Name: "history/runs", Args: args(nil, "limit", "5")},
		{Name: "history/tasks_of_run", Args: ofRun},
		{Name: "history/traces", Args: ofRun},
		{Name: "server/kafka_tables"},
		{Name: "server/kafka_threads", Around: "SELECT count() FROM (%s)"},
		{Name: "server/kafka_collection", Args: args(nil, "shared", "Kafka(txflow_kafka)", "own", "txflow_kafka_none"),
			Texts: map[string]string{"tables": "'kafka_classified'"}},
		{Name: "server/schema", Around: "SELECT * FROM (%s) WHERE name = 'schema_migrations'"},
		{Name: "server/lock", Args: args(nil, "prefix", "transa"), Around: "SELECT generation, comment FROM (%s)"},
		{Name: "server/mutations", Args: args(nil, "table", "events", "erasure", id+"e0")},
		{Name: "erasure/states", Args: args(nil, "hash", "")},
		{Name: "erasure/states", Args: args(nil, "hash", "ff")},
		{Name: "erasure/count_events", Args: erasing},
		{Name: "erasure/count_events", Args: args(erasing, "user", "", "account", "acme", "before", "1717250400000000")},
		{Name: "erasure/raw_of_events", Args: erasing, Unordered: true},
		{Name: "erasure/raw_of_ids", Texts: eventIDs, Unordered: true},
		{Name: "erasure/raw_ranges", Whole: allOf},
		{Name: "erasure/raw_outside_gold", Args: args(nil, "origin", "events.raw", "partition", "0", "from", "20",
			"to", "25"), Unordered: true},
		{Name: "erasure/counts", Args: args(nil, "erasure", id+"e0")},
		{Name: "pipelines/last", Args: args(compared, "source", "bank", "every", "0"),
			Around: "SELECT * EXCEPT (now) FROM (%s)"},
		{Name: "pipelines/differ_by_ledger", Args: compared},
		{Name: "pipelines/fill", Args: compared, Then: "SELECT id, batch, stream FROM pipeline_states FINAL ORDER BY id"},
		{Name: "pipelines/differ", Args: compared},
	}
	for _, by := range []string{"category", "month", "day", "merchant", "side"} {
		cases = append(cases, sqltest.Case{Name: "transactions/report", Args: args(reported, "by", by), Whole: allOf})
	}
	for _, sort := range []string{"count", "amount"} {
		cases = append(cases, sqltest.Case{Name: "transactions/report", Args: args(reported, "sort", sort), Whole: allOf})
	}
	cases = append(cases, sqltest.Case{Name: "transactions/report", Args: args(reported, "any_source", "0",
		"source", "bank", "category", "Food", "from", "-62135596800000000", "to", "0"), Whole: allOf})
	for _, by := range []string{"type", "account", "context", "day"} {
		cases = append(cases, sqltest.Case{Name: "events/report", Args: args(reported, "by", by, "account", ""),
			Whole: allOf})
	}
	cases = append(cases, sqltest.Case{Name: "events/report", Args: args(reported, "by", "type", "account", "acme", "from",
		"-1", "to", "0")}, sqltest.Case{Name: "events/report_by_rule", Args: args(reported, "account", ""), Whole: allOf})
	sqltest.Run(t, db.url, store.Statements, "testdata/sql", slices.Concat(cases, writes(keys), entries()))
}

// writes are the statements that write, in an order in which none is in another's way.
func writes(keys map[string]string) []sqltest.Case {
	const (
		erased = "SELECT * EXCEPT (erased_at) FROM %s FINAL WHERE erasure = '" + id + "e1' ORDER BY ALL"
		ledger = "SELECT position, outcome, id, content_hash, category FROM outcomes FINAL " +
			"WHERE pipeline = 'events' ORDER BY position"
	)
	table := func(name string) string { return strings.Replace(erased, "%s", name, 1) }
	gold := map[string]string{"table": store.TableEvents}
	return []sqltest.Case{
		{Name: "dead_letters/mark", Args: args(nil, "state", "purged"), Texts: keys,
			Then: "SELECT origin, position, state FROM dead_letters FINAL WHERE pipeline = 'batch' ORDER BY origin, position"},
		{Name: "erasure/put", Args: args(nil, "hash", "bb", "scope", "user", "key", "k1", "erasure", id+"e1", "state",
			"pending", "at", "1717300000000000", "requested", "1717300000000001"),
			Then: "SELECT * EXCEPT (updated_at) FROM tombstones FINAL ORDER BY hash"},
		{Name: "erasure/note_events", Args: erasing, Then: table("erased_events")},
		{Name: "erasure/note_rows", Args: args(erasing, "user", "", "account", "acme", "before", "1717250401000001"),
			Then: table("erased_messages")},
		{Name: "erasure/note_dead_letters", Args: args(nil, "erasure", id+"e0"),
			Then: "SELECT * EXCEPT (erased_at) FROM erased_messages FINAL WHERE erasure = '" + id + "e0' ORDER BY ALL"},
		{Name: "erasure/ledger_events", Args: erasing, Then: ledger},
		{Name: "erasure/ledger_messages", Args: erasing, Then: ledger},
		{Name: "erasure/count_in_events", Args: erasing, Texts: gold, Whole: allOf},
		{Name: "erasure/delete_from_events", Args: erasing, Texts: gold,
			Then: "SELECT event_id, position FROM events ORDER BY ALL"},
		{Name: "erasure/count_in_events_bronze", Args: args(erasing, "erasure", id+"e0")},
		{Name: "erasure/delete_from_events_bronze", Args: args(erasing, "erasure", id+"e0"),
			Then: "SELECT position FROM events_bronze FINAL ORDER BY position"},
		{Name: "erasure/count_in_dead_letters", Args: args(erasing, "erasure", id+"e0")},
		{Name: "erasure/delete_from_dead_letters", Args: args(erasing, "erasure", id+"e0"),
			Then: "SELECT position FROM dead_letters FINAL WHERE pipeline = 'events' ORDER BY position"},
	}
}

// entries are the statements of event_entries. Of two events that were erased before, event_arrivals has a row.
func entries() []sqltest.Case {
	const left = "SELECT event_id, hour, score, position, entered_at FROM event_entries ORDER BY ALL"
	look := func(n string, pairs ...string) map[string]string {
		return args(nil, append(pairs, "look", "171741600000000"+n, "since", "0", "limit", "5")...)
	}
	named := map[string]string{"ids": "'" + id + "22','" + id + "27'"}
	cases := []sqltest.Case{
		{Name: "event_entries/deletions", Around: "SELECT deletions > 0 FROM (%s)"},
		{Name: "event_entries/enter_arrived", Args: look("1", "verify", "1"), Then: left},
		{Name: "event_entries/enter_arrived", Args: look("2", "verify", "0"), Then: left},
		{Name: "event_entries/count"},
		{Name: "event_entries/entered", Args: look("1"), Whole: "few rows need no projection"},
		{Name: "event_entries/superfluous", Args: look("2"), Whole: allOf},
	}
	for _, by := range []string{"hour", "account", "type"} {
		cases = append(cases, sqltest.Case{Name: "event_entries/by_" + by, Args: look("2", "all", "1"), Unordered: true},
			sqltest.Case{Name: "event_entries/by_" + by, Args: look("2", "all", "0"), Unordered: true})
	}
	return append(cases, []sqltest.Case{
		{Name: "event_entries/delete_ids", Args: look("2"), Texts: named, Then: left},
		{Name: "event_entries/enter_missing", Args: look("3", "every", "0"), Then: left},
		{Name: "event_entries/enter_missing", Args: look("4", "every", "1"), Then: left, Whole: allOf},
		{Name: "event_entries/replaced", Args: look("4")},
		{Name: "event_entries/delete_replaced", Args: look("4"), Then: left},
		{Name: "event_entries/delete_all", Then: left},
	}...)
}
