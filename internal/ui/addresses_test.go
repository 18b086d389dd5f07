package ui_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/ui"
)

// TestAddresses asks for what nobody should ask for. Nothing may be a fault of the page, and nothing may change.
func TestAddresses(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	u := pages(t, address, nil)
	evil := []string{"'", `\`, `\'`, "' OR 1=1 --", "{x:String}", "\x00", "\xff\n", "../..", "-1",
		"9999999999999999999999", "<script>", strings.Repeat("A", 1025), strings.Repeat("é", 400)}
	for _, value := range evil {
		q := url.QueryEscape(value)
		for _, path := range []string{"/?measure=", "/runs?status=", "/runs?source=", "/runs?before=", "/runs?limit=",
			"/runs?format=", "/runs?format=csv&part=", "/runs/" + runID + "/rows?after=",
			"/runs/" + runID + "/rejected?reason=", "/runs/" + runID + "/rejected?raw=", "/transactions?q=",
			"/transactions?category=", "/transactions?merchant=", "/transactions?source=", "/transactions?month=",
			"/transactions?side=", "/transactions?category=Rent&after=", "/dead-letters?state=", "/dead-letters?reason=",
			"/dead-letters?id=", "/dead-letters?since=", "/dead-letters?after=",
			"/dead-letters/one?partition=0&position=1&origin=", "/dead-letters/one?origin=x&partition=1&position=",
			"/traces/" + traceID + "?span="} {
			if w := get(t, u, path+q); w.Code >= http.StatusInternalServerError ||
				strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && strings.Contains(w.Body.String(), "<script>") {
				t.Errorf("%s%.40q: %d %s", path, value, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/runs/", "/transactions/", "/traces/"} {
			if w := get(t, u, path+url.PathEscape(value)); w.Code >= http.StatusInternalServerError {
				t.Errorf("%s%.40q: %d %s", path, value, w.Code, w.Body)
			}
		}
	}
	for path, want := range map[string]int{"/nothing": 404, "/runs/none": 404,
		"/transactions/00000000-0000-0000-0000-000000000001": 404, "/runs?format=xml": 400, "/runs?limit=501": 400,
		"/runs?limit=501&format=csv":   200,
		"/runs?limit=10001&format=csv": 400, "/runs?format=csv&part=none": 404, "/assets/none.css": 404,
		"/runs?source=" + strings.Repeat("a", 5000): 414} {
		if w := get(t, u, path); w.Code != want {
			t.Errorf("%.60s: %d, want %d", path, w.Code, want)
		}
	}
	if n := strings.TrimSpace(embeddedtest.Exec(t, address, "SELECT count() FROM transactions")); n != "131" {
		t.Errorf("%s transactions are left", n)
	}
}

// TestOthersAreRefused has foreign hosts and origins, methods that change something, and the headers of an answer.
func TestOthersAreRefused(t *testing.T) {
	t.Parallel()
	address, _ := database(t)
	u := pages(t, address, nil)
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"another name (DNS rebinding)": {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"a page of another origin": {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
			http.StatusForbidden},
		"an image of another origin": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			http.StatusForbidden},
		"a frame of another origin": {func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, http.StatusForbidden},
		"a link on another origin": {func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Set("Sec-Fetch-Dest", "document")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, http.StatusOK},
		"POST":   {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"DELETE": {func(r *http.Request) { r.Method = http.MethodDelete }, http.StatusMethodNotAllowed},
		"HEAD":   {func(r *http.Request) { r.Method = http.MethodHead }, http.StatusOK},
	} {
		if w := get(t, u, "/runs", c.change); w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
	}
	w := get(t, u, "/")
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'; style-src 'self'; " +
		"script-src 'self'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
		if !strings.HasPrefix(w.Header().Get(name), want) {
			t.Errorf("%s: %q", name, w.Header().Get(name))
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "base-uri 'none'") {
		t.Errorf("the policy: %s", policy)
	}
}

// TestToken asks with and without it.
func TestToken(t *testing.T) {
	t.Parallel()
	address, _ := database(t)
	path := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(path, []byte("right\nother\n"), 0o600))
	tokens, err := secret.NewTokens("", path)
	must(t, err)
	u := pages(t, address, func(c *ui.Config) { c.Tokens = tokens })
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"none":                 {func(*http.Request) {}, 401},
		"as a password":        {func(r *http.Request) { r.SetBasicAuth("any", "right") }, 200},
		"the second one":       {func(r *http.Request) { r.SetBasicAuth("", "other") }, 200},
		"a bearer":             {func(r *http.Request) { r.Header.Set("Authorization", "Bearer right") }, 200},
		"wrong":                {func(r *http.Request) { r.SetBasicAuth("right", "wrong") }, 401},
		"a wrong bearer":       {func(r *http.Request) { r.Header.Set("Authorization", "Bearer rightx") }, 401},
		"an empty one":         {func(r *http.Request) { r.SetBasicAuth("x", "") }, 401},
		"in the address":       {func(r *http.Request) { r.URL.RawQuery = "token=right" }, 401},
		"another scheme of it": {func(r *http.Request) { r.Header.Set("Authorization", "right") }, 401},
	} {
		for _, path := range []string{"/runs", "/runs?format=json", "/nothing"} {
			w := get(t, u, path, c.change)
			if ok := w.Code != 401; ok != (c.want == 200) {
				t.Errorf("%s, %s: %d", name, path, w.Code)
			}
			if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: no challenge", name)
			}
		}
	}
	if w := get(t, u, "/healthz"); w.Code != 200 {
		t.Errorf("/healthz asks for it: %d", w.Code)
	}
}

// TestItOnlyReads tries to write by the connection that the pages have.
func TestItOnlyReads(t *testing.T) {
	t.Parallel()
	address, writer := database(t)
	fill(t, writer)
	bounds := ui.Bounds()
	bounds.Time = time.Second
	db, err := store.Open(store.Config{URL: secret.NewURL(address), OutageLimit: -1, ReadOnly: bounds})
	must(t, err)
	t.Cleanup(db.Close)
	for _, sql := range []string{"DROP TABLE runs", "TRUNCATE TABLE runs", "ALTER TABLE runs DELETE WHERE 1",
		"CREATE TABLE x (n UInt8) ENGINE = Memory", "INSERT INTO runs (run_id) SELECT 'x'",
		"OPTIMIZE TABLE runs", "SET readonly = 0", "DETACH TABLE runs", "RENAME TABLE runs TO gone"} {
		if err := db.Apply(t.Context(), sql); store.Code(err) != 164 { // READONLY
			t.Errorf("%s: %v", sql, err)
		}
	}
	var out []struct {
		N uint64 `ch:"number"`
	}
	for _, sql := range []string{"SELECT number FROM numbers(1000000)",
		"SELECT number FROM numbers(100) SETTINGS readonly = 0",
		"SELECT sleepEachRow(1) AS number FROM numbers(20) SETTINGS max_block_size = 1, " +
			"function_sleep_max_microseconds_per_block = 30000000"} {
		if err := db.Select(t.Context(), &out, sql, nil); err == nil {
			t.Errorf("%s is not bounded", sql)
		}
	}
	if n := strings.TrimSpace(embeddedtest.Exec(t, address, "SELECT count() FROM runs FINAL")); n != "2" {
		t.Errorf("%s runs are left", n)
	}
}
