package store_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/secret"
)

// flaky is ClickHouse behind a proxy that can be made to fail.
func flaky(t *testing.T, base string) (address string, failures *atomic.Int32) {
	t.Helper()
	to, err := url.Parse(base)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	failures = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failures.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/?" + to.RawQuery, failures
}

func TestInsertWaitsOutAnOutage(t *testing.T) {
	direct := open(t)
	address, failures := flaky(t, direct.url)
	var log bytes.Buffer
	db, err := store.Open(store.Config{URL: secret.NewURL(address), OutageLimit: time.Minute,
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	t.Cleanup(db.Close)
	if _, err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	failures.Store(3)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	if lines := strings.Count(log.String(), "next="); lines < 1 || lines > 2 {
		t.Errorf("three failures in a row are logged %d times, with what to do:\n%s", lines, log.String())
	}
	if got := direct.sql("SELECT count() FROM transactions FINAL"); got != "1" {
		t.Error(got)
	}
	impatient, err := store.Open(store.Config{URL: secret.NewURL(address)})
	must(t, err)
	t.Cleanup(impatient.Close)
	if _, err := impatient.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	failures.Store(1 << 20)
	unread := fault.Failf(fault.ExitData, "a damaged part")
	if err := db.InsertClassified(t.Context(), info,
		func(yield func([]ledger.Classified, error) bool) { yield(nil, unread) }); !errors.Is(err, unread) ||
		fault.ExitCode(err) != fault.ExitData {
		t.Errorf("rows that can not be read give exit %d: %v", fault.ExitCode(err), err)
	}
	err = impatient.InsertClassified(t.Context(), info, pieces(classified(3, 5, "Rent", nil)))
	if fault.ExitCode(err) != fault.ExitTryAgain || fault.Hint(err) == "" {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
}
