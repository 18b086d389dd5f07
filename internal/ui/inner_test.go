package ui

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/status"
)

func TestText(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a<b>&\"'": `<bdi>a&lt;b&gt;&amp;&#34;&#39;</bdi>`,
		"a\u202eb": `<bdi>a<span class="esc">\u202e</span>b</bdi>`,
		"\x00\x1b\n\xff\u200b": `<bdi><span class="esc">\x00</span><span class="esc">\x1b</span><span class="esc">\n</span>` +
			`<span class="esc">\xff</span><span class="esc">\u200b</span></bdi>`,
		"שלום": `<bdi>שלום</bdi>`,
		"":     `<bdi></bdi>`,
		strings.Repeat("é", 121): `<bdi>` + strings.Repeat("é", 120) +
			`</bdi> <span class="dim">… 1 more characters</span>`,
		"\U000e0041tag\u2066\u00ad": `<bdi><span class="esc">\U000e0041</span>tag<span class="esc">\u2066</span>` +
			`<span class="esc">\u00ad</span></bdi>`,
	} {
		if got := string(text(given)); got != want {
			t.Errorf("%q is %s, want %s", given, got, want)
		}
	}
	if got := string(rawText("a\tb\n<\x01")); got != "<bdi>a\tb\n&lt;<span class=\"esc\">\\x01</span></bdi>" {
		t.Errorf("raw text: %s", got)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	check(thousands(-1234567), "−1,234,567")
	check(money("-1234.5600"), "−1,234.56")
	check(money("0.0001"), "0.0001")
	check(cents("-0.0049"), "0.00")
	check(cents("-1234.5650"), "−1,234.57")
	check(cents("99999999999999999999.9950"), "100,000,000,000,000,000,000.00")
	check(compact(999_999), "1M")
	check(compact(-1234), "−1.2k")
	check(compact(12), "12")
	check(duration(90*time.Second), "1 min 30 s")
	check(ago(time.Unix(100, 0), time.Unix(40, 0)), "1 min ago")
	check(ago(time.Unix(40, 0), time.Unix(100, 0)), "in 1 min")
	var sum decimalSum
	for _, d := range []decimalText{"-0.0001", "0.1", "99999999999999999999.9999", "-3"} {
		sum.add(d)
	}
	check(string(sum.text()), "99999999999999999997.0998")
}

func TestColumns(t *testing.T) {
	t.Parallel()
	c := newColumns([]string{"a", "b"}, []string{"A", "B"}, series{"in", []float64{10, 0}},
		series{"out", []float64{-5, -2}})
	if len(c.Boxes) != 3 || len(c.Hits) != 2 || c.Hits[1].Title != "B" {
		t.Fatalf("%+v", c)
	}
	for _, b := range c.Boxes {
		if b.Y < 0 || b.Y+b.H > c.Height || b.X < 0 || b.X+b.W > 100 {
			t.Errorf("it stands out of the chart: %+v", b)
		}
		if up := b.Y+b.H <= c.Zero+0.01; up != (b.Class == "in") {
			t.Errorf("wrong side of the axis at %v: %+v", c.Zero, b)
		}
	}
	if up, down := c.Boxes[0], c.Boxes[1]; up.H < 1.9*down.H || up.H > 2.1*down.H {
		t.Errorf("10 is not twice as high as 5: %v, %v", up.H, down.H)
	}
	for _, empty := range []*columns{newColumns(nil, nil),
		newColumns([]string{"a"}, []string{""}, series{"in", []float64{0}})} {
		if len(empty.Boxes) != 0 || len(empty.Ticks) == 0 || len(empty.Ticks) > 10 {
			t.Errorf("an empty one: %+v", empty)
		}
	}
}

func TestAirflowRun(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"20240601T120000Z-abc123": "", "transactions_batch.": "",
		"transactions_batch.manual__2024-06-02T10-00-00-00-00-1a2b3c4d": "http://a/dags/transactions_batch/runs" +
			"?run_id_pattern=manual__2024%2506%2502T10%2500%2500%2500%2500",
		"my dag.r": "http://a/dags/my%20dag/runs?run_id_pattern=r",
	} {
		if got := airflowRun("http://a/", id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if airflowRun("", "a.b") != "" {
		t.Error("a link to an Airflow that nobody named")
	}
}

func TestDeadLetterCommands(t *testing.T) {
	t.Parallel()
	open := []ledger.DeadLetterCount{{Pipeline: "stream", State: "open", Rows: 1}}
	all, no := deadLetterCommands(&ledger.DeadLetterQuery{State: "open", Code: "it's; rm -rf /", Source: "a b"}, open)
	if no || all[0].Line != `txflow dlq list --reason 'it'\''s; rm -rf /' --source 'a b'` || len(all) != 4 {
		t.Errorf("%+v", all)
	}
	if all, no = deadLetterCommands(&ledger.DeadLetterQuery{ID: "a\x00b"}, open); !no || len(all) != 0 {
		t.Error("an id with a NUL passes for one that a command line can have")
	}
	all, _ = deadLetterCommands(&ledger.DeadLetterQuery{State: "open"}, open)
	if last := all[len(all)-1].Line; last != "txflow dlq purge --all --dry-run" {
		t.Errorf("without a filter: %s", last)
	}
	ofEvents := []ledger.DeadLetterCount{{Pipeline: "events", State: "open", Rows: 1}}
	all, _ = deadLetterCommands(&ledger.DeadLetterQuery{State: "open", Pipeline: "events"}, ofEvents)
	if len(all) != 4 || all[2].Line != "txflow dlq replay --pipeline events" {
		t.Errorf("of events: %+v", all)
	}
	if all, _ = deadLetterCommands(&ledger.DeadLetterQuery{State: "open"}, ofEvents); len(all) != 2 {
		t.Errorf("without their pipeline, dlq replay leaves those of events: %+v", all)
	}
	all, _ = deadLetterCommands(&ledger.DeadLetterQuery{State: "purged"},
		[]ledger.DeadLetterCount{{Pipeline: "stream", State: "purged"}})
	if len(all) != 1 || all[0].Line != "txflow dlq list --state purged" {
		t.Errorf("closed ones: %+v", all)
	}
	for given, want := range map[string]string{"": "''", "a": "a", "$(x)": "'$(x)'", "-x": "-x",
		"a\u202e'\\1\n\xff": `$'a\342\200\256\'\\1\012\377'`} {
		if got, _ := shellQuote(given); got != want {
			t.Errorf("%q is %s", given, got)
		}
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{`{"a":1}`: "JSON", "a;b": "text", "\xff\x00": "bytes", `{"a":`: "text",
		strings.Repeat("é", shownRaw): "text"} {
		form, shown, cut := readable([]byte(given))
		if !strings.HasPrefix(form, want) || shown == "" || (cut > 0) != (len(given) > shownRaw) {
			t.Errorf("%.20q: %s, %d bytes cut", given, form, cut)
		}
	}
}

// TestSnapshot has many pages ask at once for what is fetched once, and an old result while a new one comes.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	var loads atomic.Int64
	release := make(chan struct{})
	var work sync.WaitGroup
	s := snapshot[int64]{start: func(f func(context.Context)) { work.Go(func() { f(t.Context()) }) }}
	s.load = func(context.Context) (int64, error) {
		if n := loads.Add(1); n != 2 {
			return n, nil
		}
		<-release
		return 2, nil
	}
	var pages sync.WaitGroup
	for range 50 {
		pages.Go(func() {
			if r := s.get(t.Context()); r.Value != 1 || !r.Known() || r.Err != nil {
				t.Errorf("%+v", r)
			}
		})
	}
	pages.Wait()
	s.mu.Lock()
	s.at = s.at.Add(-freshFor) // it is old
	s.mu.Unlock()
	if r := s.get(t.Context()); r.Value != 1 {
		t.Errorf("while a new one comes: %+v", r)
	}
	close(release)
	work.Wait()
	if r := s.get(t.Context()); r.Value != 2 || loads.Load() != 2 {
		t.Errorf("%+v after %d fetches", r, loads.Load())
	}
	failing := snapshot[int]{start: func(f func(context.Context)) { work.Go(func() { f(t.Context()) }) },
		load: func(context.Context) (int, error) { return 0, errors.New("unavailable") }}
	if r := failing.get(t.Context()); r.Known() || r.Err == nil {
		t.Errorf("a failure: %+v", r)
	}
	work.Wait()
	again := make(chan struct{})
	failing.load = func(context.Context) (int, error) { <-again; return 0, errors.New("away") }
	started := time.Now()
	if r := failing.get(t.Context()); r.Known() || r.Err == nil || time.Since(started) >= oldWait {
		t.Errorf("after a failure: %+v in %s", r, time.Since(started))
	}
	close(again)
	work.Wait()
}

// fakeLooks are looks at a group, one after another.
type fakeLooks struct {
	at      time.Time
	n       int64
	stalled string
}

func (f *fakeLooks) Look(context.Context) ([]status.Look, error) {
	f.n++
	now := f.at.Add(time.Duration(f.n) * time.Second)
	return []status.Look{{At: now, Group: "g<b>", Topic: "transactions.raw", State: "Stable", Members: 1,
		Partitions: []status.Partition{{Number: 0, Committed: 10 * f.n, End: 100, Owner: "m at h",
			Oldest: now.Add(-time.Minute)}}}}, nil
}

func (f *fakeLooks) Stalled(context.Context, []status.Look, []status.Look) map[string]string {
	return map[string]string{"g<b>": f.stalled}
}

func TestStreamRates(t *testing.T) {
	t.Parallel()
	looks := &fakeLooks{at: time.Now(), stalled: "it hangs <i>"}
	u := &UI{cfg: Config{Stream: looks, Now: time.Now}}
	first, err := u.loadStream(t.Context())
	if err != nil || first.Rates || first.Groups[0].Lag != 90 {
		t.Fatalf("%+v %v", first, err)
	}
	second, err := u.loadStream(t.Context())
	if err != nil || !second.Rates || second.Groups[0].Consumed != 10 || second.Groups[0].Delay != 60 ||
		second.Groups[0].Rows[0].Done != 20 {
		t.Fatalf("%+v %v", second.Groups, err)
	}
	v := &overviewView{overviewData: &overviewData{Live: true}, Stream: result[*streamData]{Value: second, At: time.Now()}}
	if all := u.attention(v); len(all) != 1 || all[0].Look != "bad" || all[0].Text != "it hangs <i>" {
		t.Errorf("%+v", all)
	}
	looks.stalled = ""
	if second, err = u.loadStream(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.Stream.Value = second
	if all := u.attention(v); len(all) != 1 || all[0].Look != "warn" ||
		!strings.Contains(all[0].Text, "waiting for g<b>: ") {
		t.Errorf("%+v", all)
	}
}

// TestJournalIsLate says when the sums of a large table are old.
func TestJournalIsLate(t *testing.T) {
	t.Parallel()
	u := &UI{cfg: Config{Now: time.Now}}
	for age, want := range map[time.Duration]int{time.Minute: 0, time.Hour: 1} {
		at := time.Now().Add(-age)
		v := &overviewView{overviewData: &overviewData{Size: sizeRow{Transactions: 1e7},
			Journal: journalRow{Renewed: &at, Exception: "no memory\nstack"}}}
		if all := u.attention(v); len(all) != want {
			t.Errorf("%s: %+v", age, all)
		}
	}
}

// TestAssets has names that change with their content.
func TestAssets(t *testing.T) {
	t.Parallel()
	for _, a := range []*asset{styleAsset, scriptAsset} {
		w := httptest.NewRecorder()
		serveAsset(w, httptest.NewRequest(http.MethodGet, a.path, http.NoBody))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != a.kind ||
			!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", a.path, w.Code, w.Header())
		}
		if other := newAsset("x", "y", "z", append([]byte(" "), a.content...)); strings.Contains(a.path,
			strings.Split(other.path, ".")[1]) {
			t.Error("another content has the same name")
		}
	}
}
