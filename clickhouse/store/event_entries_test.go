package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/secret"
)

// rollups keeps what looks find, as a publisher does.
type rollups struct {
	database
	look event.RollupLook
	has  map[string]string
}

func keyOf(r *event.Rollup) string {
	return fmt.Sprint(r.Kind, " ", r.Account, " ", r.Type, " ", r.Context, " ", r.Hour.UTC())
}

func textOf(r *event.Rollup) string {
	return fmt.Sprintln(r.Events, r.Users, r.AverageScore, r.Excellent, r.Good, r.Fair, r.Poor, r.Late, r.Future,
		r.FirstEvent.UTC(), r.LastEvent.UTC())
}

// next looks for what has changed.
func (p *rollups) next(ctx context.Context) {
	p.t.Helper()
	var err error
	p.look, err = p.EnterEvents(ctx, p.look)
	must(p.t, err)
	if p.look.All {
		p.has = map[string]string{}
	} else if p.look.Entered == 0 {
		return
	}
	must(p.t, p.EventRollups(ctx, p.look, func(r *event.Rollup) error {
		p.has[keyOf(r)] = textOf(r)
		return nil
	}))
}

// check compares what the looks found with the sums of the table itself.
func (p *rollups) check(when string) {
	p.t.Helper()
	want := map[string]string{}
	const sums = `toString(count()), toString(uniqExact(new_context_user_id)),
    toDecimalString(toDecimal64(avg(score), 6), 4),
    toString(countIf(score >= 0.9)), toString(countIf(score >= 0.7 AND score < 0.9)),
    toString(countIf(score >= 0.5 AND score < 0.7)), toString(countIf(score < 0.5)),
    toString(countIf(e.late)), toString(countIf(e.future)),
    formatDateTime(min(timestamp_stamp), '%F %T.%f'), formatDateTime(max(timestamp_stamp), '%F %T.%f')`
	const hour = `formatDateTime(toStartOfHour(timestamp_stamp), '%F %T')`
	for kind, by := range map[string][2]string{
		"hour":    {"new_context_account_id, type, context, " + hour, "new_context_account_id, e.type, e.context, " + hour},
		"account": {"new_context_account_id, '', '', '1970-01-01 00:00:00'", "new_context_account_id"},
		"type":    {"'', type, context, '1970-01-01 00:00:00'", "e.type, e.context"},
	} {
		for line := range strings.Lines(p.sql("%s", "SELECT '.', "+by[0]+", "+sums+" FROM events AS e FINAL GROUP BY "+
			by[1])) {
			f := strings.Split(strings.TrimSpace(line), "\t")[1:]
			for i := 13; i <= 14; i++ { // as Go writes a time
				f[i] = strings.TrimRight(strings.TrimRight(f[i], "0"), ".") + " +0000 UTC"
			}
			n := func(i int) uint64 { v, _ := strconv.ParseUint(f[i], 10, 64); return v }
			want[fmt.Sprint(kind, " ", f[0], " ", f[1], " ", f[2], " ", f[3], " +0000 UTC")] = fmt.Sprintln(n(4), n(5), f[6],
				n(7), n(8), n(9), n(10), n(11), n(12), f[13], f[14])
		}
	}
	if !maps.Equal(p.has, want) {
		for key, text := range want {
			if p.has[key] != text {
				p.t.Errorf("%s: %s is\n%s, want\n%s", when, key, p.has[key], text)
			}
		}
		p.t.Fatalf("%s: %d roll-ups, want %d", when, len(p.has), len(want))
	}
}

// behind compares how many events wait to be entered. None is older than the test.
func (p *rollups) behind(when string, want int64) {
	p.t.Helper()
	lag, err := p.RollupLag(p.t.Context())
	must(p.t, err)
	if lag.Waiting != want || lag.Entered.IsZero() != p.look.At.IsZero() || (lag.Oldest > 0) != (want > 0) ||
		lag.Oldest > time.Hour || lag.Age > time.Hour {
		p.t.Errorf("%s: %+v, want %d that wait", when, lag, want)
	}
}

// TestRollupsFollowEvents has events come in, come again, be replaced by others of their id, be deleted, and be there
// before the first look. Whatever a look reads, the roll-ups are those of the table.
func TestRollupsFollowEvents(t *testing.T) {
	t.Parallel()
	p := &rollups{database: open(t)}
	random := rand.New(rand.NewPCG(3, 4))
	some := func(n int) {
		for range n {
			p.refined(byte(random.IntN(60)), map[string]any{
				"type": fmt.Sprint("T", random.IntN(3)), "context": fmt.Sprint("c", random.IntN(2)),
				"account_id": fmt.Sprint("company-", random.IntN(3)), "user_id": fmt.Sprint("user-", random.IntN(5)),
				"score": fmt.Sprint("0.", 1+random.IntN(9)), "late": random.IntN(2) == 0, "future": random.IntN(2) == 0,
				"timestamp_us": 1_700_000_000_000_000 + random.Int64N(4*3600)*1_000_000 + random.Int64N(1_000_000),
				"published_us": 1_700_000_000_000_000 + random.Int64N(3)*1_000_000, "processed_us": 1_700_000_001_000_000 +
					random.Int64N(9),
				"position": random.IntN(5)})
		}
	}
	p.behind("without events", 0)
	some(40)
	all, err := strconv.ParseInt(p.sql("SELECT uniqExact(event_id) FROM events"), 10, 64)
	must(t, err)
	p.behind("never entered", all)
	for round := range 8 {
		p.next(t.Context())
		p.behind(fmt.Sprint("after round ", round), 0)
		p.check(fmt.Sprint("round ", round))
		some(1 + 10*(round%2))
		switch round {
		case 3:
			p.sql("DELETE FROM events WHERE new_context_account_id = 'company-1'")
		case 5: // another process
			p.look = event.RollupLook{}
		case 6:
			p.sql("TRUNCATE TABLE event_entries")
			p.look = event.RollupLook{}
		}
	}
	p.next(t.Context())
	p.check("in the end")
	if got := p.sql("SELECT count() = uniqExact(event_id), count() = (SELECT count() FROM events FINAL) " +
		"FROM event_entries"); got != "1\t1" {
		t.Errorf("event_entries has one entry an event: %s", got)
	}
	before := p.look
	if p.next(t.Context()); p.look.Entered != 0 || p.look.All {
		t.Errorf("a look without a change enters %+v after %+v", p.look, before)
	}
}

var readOfInsert = regexp.MustCompile(`"read_rows":"(\d+)"`)

// counting opens the database through a proxy that adds up the rows that ClickHouse says it has read.
func (d database) counting(rows *atomic.Int64) database {
	d.t.Helper()
	to, err := url.Parse(d.url)
	must(d.t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	proxy.ModifyResponse = func(r *http.Response) error {
		summary := readOfInsert.FindStringSubmatch(r.Header.Get("X-ClickHouse-Summary"))
		if summary == nil { // a query, whose rows are on their way
			return nil
		}
		n, err := strconv.ParseInt(summary[1], 10, 64)
		rows.Add(n)
		return err
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if query := string(body); strings.HasPrefix(query, "SELECT") && strings.Contains(query, "event_") {
			asked := to.Query()
			for name, values := range r.URL.Query() {
				if strings.HasPrefix(name, "param_") {
					asked[name] = values
				}
			}
			same := *to
			same.RawQuery = asked.Encode()
			rows.Add(int64(database{t: d.t, url: same.String()}.rowsRead(query)))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	d.t.Cleanup(server.Close)
	db, err := store.Open(store.Config{URL: secret.NewURL(server.URL + "/?" + to.RawQuery)})
	must(d.t, err)
	d.t.Cleanup(db.Close)
	return database{db, d.t, d.url}
}

// TestALookReadsWhatIsNew counts the rows that a look reads, with many events stored and with ten times as many.
func TestALookReadsWhatIsNew(t *testing.T) {
	t.Parallel()
	read := func(stored int) (first, next int64) {
		var rows atomic.Int64
		p := &rollups{database: open(t).counting(&rows)}
		p.sql(`INSERT INTO incoming_events (event_id, type, context, account_id, user_id, timestamp_us, published_us, score)
SELECT generateUUIDv4(number), concat('T', toString(number %% 10)), 'c',
    concat('company-', toString(number %% 100)), concat('user-', toString(number %% 500)),
    1700000000000000 + (number %% 1000) * 3600000000, 1700000000000000, 0.5 FROM numbers(%d)`, stored)
		p.next(t.Context())
		first = rows.Swap(0)
		p.sql("TRUNCATE TABLE event_arrivals") // that was long ago
		p.sql("OPTIMIZE TABLE event_entries FINAL")
		p.look.Compared = p.look.Compared.Add(-time.Hour)
		for n := range byte(10) {
			p.refined(n, nil)
		}
		p.next(t.Context())
		next = rows.Load()
		p.check(fmt.Sprint("of ", stored))
		return first, next
	}
	first, few := read(20_000)
	firstOfMany, many := read(200_000)
	t.Logf("the first look reads %d and %d rows, the next %d and %d", first, firstOfMany, few, many)
	if firstOfMany < 5*first || few == 0 {
		t.Errorf("the first look of all reads %d and %d rows: they are not counted", first, firstOfMany)
	}
	if many > few+few/2 {
		t.Errorf("ten new events cost %d rows of 20,000, and %d of 200,000", few, many)
	}
}

// TestRowsStoredAgainHideNoEvent has an event wait that was stored after more rows that were stored again than one look
// is at.
func TestRowsStoredAgainHideNoEvent(t *testing.T) {
	t.Parallel()
	p := &rollups{database: open(t)}
	const rows = 115_000 // the first look is at 10,000, the second at 100,000 more
	store := func() {
		p.sql(`INSERT INTO incoming_events (event_id, type, context, account_id, published_us, score)
SELECT toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0'))), 'T', 'c', 'company-1',
    1700000000000000, 0.5 FROM numbers(%d)`,
			rows)
	}
	store()
	p.next(t.Context())
	p.behind("entered", 0)
	store()
	p.behind("all stored again", 0)
	p.refined(1, nil)
	p.refined(2, nil)
	p.behind("two more", 2)
}

// TestManySuperfluousEntries has more entries that events does not have than one statement can name, as a server takes
// statements by default.
func TestManySuperfluousEntries(t *testing.T) {
	t.Parallel()
	db := open(t)
	bounded, err := store.Open(store.Config{URL: secret.NewURL(db.url + "&max_query_size=262144")})
	must(t, err)
	t.Cleanup(bounded.Close)
	p := &rollups{database: database{bounded, t, db.url}}
	p.refined(1, nil)
	for _, n := range []int{6_000, 6_001, 7_000} {
		p.sql("INSERT INTO event_entries (event_id, account) SELECT generateUUIDv4(number), 'gone' FROM numbers(%d)", n)
		p.look = event.RollupLook{}
		p.next(t.Context())
		p.check(fmt.Sprint(n, " superfluous entries"))
	}
}
