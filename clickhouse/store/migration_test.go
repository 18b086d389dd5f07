package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
)

// firstRelease is how many migrations the first release had.
const firstRelease = 18

// olderInsert is how that release sends rows.
const olderInsert = `INSERT INTO incoming_classified
(id, source_id, description, amount_e4, timestamp_us, merchant, merchant_null, operation_type, side, category,
position, content_hash, call) `

// olderRows are rows of the first release: ids from, to below to, classified at second past their year's beginning.
func olderRows(from, to, year, classified int) string {
	return fmt.Sprintf(`SELECT toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(number), 12, '0'))),
toString(number), 'd', (toInt64(number) + 1) * 10001,
toUnixTimestamp64Micro(toDateTime64('%d-01-01 00:00:00', 6, 'UTC')) + toInt64(number), '', 1, 'card', 2, 'Rent',
number, number, concat('{"pipeline":"batch","run_id":"old","task_try":1,"source":"s","origin":"file:///old.csv",',
'"origin_digest":"d","partition":0,"chunk":"","origin_trace_id":"","model_version":"m","classified_us":%d,',
'"attempt":1,"trace_id":"","span_id":"","sampled":false}') FROM numbers(%d, %d)`,
		year, answered.Add(time.Duration(classified)*time.Second).UnixMicro(), from, to-from)
}

// killed is a database whose migrating process is killed after each statement, before it has recorded it.
type killed struct {
	*store.Store
	ran    map[string]bool
	before func(sql string) // may be nil
}

var errKilled = errors.New("killed")

func (k *killed) Apply(ctx context.Context, sql string) error {
	if k.before != nil {
		k.before(sql)
	}
	if err := k.Store.Apply(ctx, sql); err != nil {
		return err
	}
	if k.ran != nil && !k.ran[sql] {
		k.ran[sql] = true
		return errKilled
	}
	return nil
}

// older makes a database of the first release.
func older(t *testing.T) (database, migrate.Set) {
	t.Helper()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	must(t, err)
	t.Cleanup(db.Close)
	all, err := migrate.Load(migrations.Files)
	must(t, err)
	must(t, migrate.Up(t.Context(), db, migrate.Set{Name: "core", Migrations: all[:firstRelease]},
		func(migrate.Migration) {}))
	return database{db, t, url}, migrate.Set{Name: "core", Migrations: all}
}

// TestMigrationOfTheFirstRelease migrates its data while it writes, killed after every statement.
func TestMigrationOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	db, set := older(t)
	const rows = 1000
	db.sql("%s", olderInsert+olderRows(0, rows, 2020, 0))
	db.sql("%s", olderInsert+olderRows(0, 100, 2021, 5))   // corrections, into another year
	db.sql("%s", olderInsert+olderRows(50, 200, 2022, -5)) // and older ones that came late
	db.sql(`INSERT INTO incoming_dead_letters
(pipeline, run_id, source, origin, origin_digest, position, outcome, code, raw, at)
SELECT 'batch', 'old', 's', 'file:///old.csv', 'd', 5000 + number, 'rejected', 'amount_format', 'x',
toDateTime64('%s', 6, 'UTC') FROM numbers(7)`, answered.Format("2006-01-02 15:04:05.000000"))
	db.sql("INSERT INTO outcomes (pipeline, run_id, origin, position, outcome) " +
		"SELECT 'batch', 'old', 'file:///old.csv', 6000 + number, 'duplicate' FROM numbers(3)")
	const stateOf = "SELECT id, amount, timestamp, merchant, side, classified_at, category, position, content_hash, " +
		"run_id FROM transactions FINAL WHERE position < 1000 ORDER BY id"
	before := db.sql(stateOf)

	var written atomic.Int64 // rows that an old process wrote meanwhile
	written.Store(10_000)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			n := int(written.Load())
			if err := post(db.url, olderInsert+olderRows(n, n+10, 2020+n/10%5, n)); err != nil {
				stopped <- err
				return
			}
			written.Add(10)
		}
	}()
	k := &killed{Store: db.Store, ran: map[string]bool{}}
	for kills := 0; ; kills++ {
		err := migrate.Up(t.Context(), k, set, func(migrate.Migration) {})
		if err == nil {
			if want := len(set.Migrations) - firstRelease; kills < want {
				t.Errorf("killed %d times, want %d", kills, want)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if got := db.sql(stateOf); got != before {
			t.Fatalf("after %d statements transactions reads\n%.300s\nwant\n%.300s", kills, got, before)
		}
	}
	close(stop)
	must(t, <-stopped)
	if got := db.sql(stateOf + " SETTINGS do_not_merge_across_partitions_select_final = 0"); got != before {
		t.Errorf("transactions reads\n%.300s\nwant\n%.300s", got, before)
	}
	n := written.Load()
	meanwhile := n - 10_000
	if meanwhile == 0 {
		t.Error("nothing was written meanwhile")
	}
	all := fmt.Sprint(rows + meanwhile)
	for query, want := range map[string]string{
		"SELECT count() FROM transactions FINAL":                                                             all,
		"SELECT uniqExact(id) FROM transactions FINAL":                                                       all,
		"SELECT countIf(version != classified_at) FROM transactions":                                         "0",
		"SELECT count() FROM outcomes FINAL WHERE outcome = 'stored'":                                        all,
		"SELECT countIf(version != classified_at), countIf(log_id != '') FROM outcomes":                      "0\t0",
		"SELECT count(), countIf(version != first_seen) FROM dead_letters FINAL":                             "7\t0",
		"SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%%next%%'":      "0",
		"SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'schema_lock%%'": "0",
		"SELECT sum(transactions) FROM category_totals":                                                      all,
	} {
		if got := db.sql("%s", strings.ReplaceAll(query, "%%", "%")); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if found, err := db.Problems(t.Context(), "batch", "old", 3); err != nil ||
		found.Counts[ledger.FindingMissing]+found.Counts[ledger.FindingInvented] != 0 {
		t.Error(found, err)
	}
	db.sql("OPTIMIZE TABLE transactions FINAL")
	if got := db.sql(stateOf); got != before {
		t.Errorf("merged, transactions reads\n%.300s\nwant\n%.300s", got, before)
	}
	// What the new release writes is compared with it by how new the contents are.
	for _, c := range []struct {
		version time.Time
		amount  string
	}{{answered.Add(-time.Hour), "10.001"}, {answered.Add(time.Hour), "0.0005"}} {
		must(t, db.InsertClassified(t.Context(), info, pieces(classified(9, 5, "Food", func(r *ledger.Classified) {
			r.Transaction.ID, r.Version = transaction.ID{15: 9}, c.version.UnixMicro()
			r.Call.AnsweredAt = answered.Add(2 * time.Hour)
		}))))
		got := db.sql("SELECT amount FROM transactions FINAL WHERE id = '00000000-0000-0000-0000-000000000009'")
		if got != c.amount {
			t.Errorf("with contents of %s the amount is %s, want %s", c.version, got, c.amount)
		}
	}
}

// TestAnInsertBegunBeforeIsNotLost has rows that come into the old table alone after its parts were linked: as those of
// an insert that began before rows went into both tables, and ended then.
func TestAnInsertBegunBeforeIsNotLost(t *testing.T) {
	t.Parallel()
	db, set := older(t)
	db.sql("%s", olderInsert+olderRows(0, 10, 2020, 0))
	k := &killed{Store: db.Store, before: func(sql string) {
		if strings.Contains(sql, "EXCHANGE TABLES") {
			db.sql("INSERT INTO transactions SELECT * REPLACE (generateUUIDv4(position) AS id, " +
				"now64(3) - toIntervalMinute(1) AS inserted_at) FROM transactions")
		}
	}}
	must(t, migrate.Up(t.Context(), k, set, func(migrate.Migration) {}))
	if got := db.sql("SELECT count() FROM transactions FINAL"); got != "20" {
		t.Errorf("%s rows, want 20", got)
	}
}

func post(url, sql string) error { return postBody(url, strings.NewReader(sql)) }

func postBody(url string, body io.Reader) error {
	resp, err := http.Post(url, "text/plain", body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	return err
}
