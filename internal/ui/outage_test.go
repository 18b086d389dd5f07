package ui_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/transaction"
)

// TestNothingStored has every page of an empty database, and of none.
func TestNothingStored(t *testing.T) {
	t.Parallel()
	address, _ := database(t)
	u := pages(t, address, nil)
	for path, want := range map[string]string{"/": "Nothing is stored yet", "/runs": "No file was run yet",
		"/transactions": "Nothing is stored yet", "/dead-letters": "None is open", "/stream": "txflow stream classify",
		"/transactions?q=1": "No source has this id", "/transactions?category=Rent": "No transaction fits"} {
		if html := body(t, u, path); !strings.Contains(html, want) {
			t.Errorf("%s lacks %q", path, want)
		}
		parts(t, u, path)
	}
	none := pages(t, strings.Replace(address, "database=", "database=none_", 1), nil)
	if w := get(t, none, "/"); w.Code != http.StatusServiceUnavailable ||
		!strings.Contains(w.Body.String(), "txflow migrate") {
		t.Errorf("without tables: %d %s", w.Code, w.Body)
	}
}

// TestClickHouseIsUnavailable says what to start, in every format.
func TestClickHouseIsUnavailable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	u := pages(t, closed.URL+"/?database=txflow", nil)
	for _, path := range []string{"/", "/runs", "/runs/" + runID, "/transactions",
		"/transactions/" + transaction.DeriveID("", []byte("1")).String(), "/dead-letters", "/stream"} {
		for _, format := range []string{"html", "json", "csv"} {
			if w := get(t, u, path+"?format="+format); w.Code != http.StatusServiceUnavailable ||
				!strings.Contains(w.Body.String(), "txflow platform") {
				t.Errorf("%s as %s: %d %s", path, format, w.Code, w.Body)
			}
		}
	}
	if w := get(t, u, "/metrics"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/metrics: %d %s", w.Code, w.Body)
	}
	if w := get(t, u, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("/healthz: %d", w.Code)
	}
}

// TestStaleFigures keeps the last figures, and says so, when ClickHouse becomes unavailable.
func TestStaleFigures(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	to, err := url.Parse(address)
	must(t, err)
	unavailable := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unavailable {
			panic(http.ErrAbortHandler)
		}
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", to.Host, ""
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = answer.Body.Close() }() // it was only read
		for name, all := range answer.Header {
			w.Header()[name] = all
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}))
	t.Cleanup(proxy.Close)
	u := pages(t, proxy.URL+"/?"+to.RawQuery, nil)
	body(t, u, "/")
	unavailable = true
	for deadline := time.Now().Add(time.Minute); !strings.Contains(body(t, u, "/"),
		"the figures are not new"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("figures of a ClickHouse that is unavailable pass for new")
		}
	}
	if !strings.Contains(body(t, u, "/"), `class="tiles"`) {
		t.Error("the last figures are gone")
	}
}
