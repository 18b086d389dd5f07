package store_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
)

func TestErrorsAreSortedByCode(t *testing.T) {
	db := open(t)
	for name, c := range map[string]struct {
		sql   string
		code  int
		again bool
	}{
		"unknown table": {"SELECT * FROM nothing", 60, false},
		"syntax":        {"SELECT FROM WHERE", 62, false},
		"bad value":     {"INSERT INTO transactions (id) VALUES ('x')", 376, false},
		"memory limit": {"SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 10000000", 241,
			true},
		"too slow": {"SELECT sum(cityHash64(number)) FROM numbers(1000000000000) SETTINGS max_execution_time = 0.1",
			159, true},
		"too many parts": {"SELECT throwIf(1, 'x', 252::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 252, true},
		"no space":       {"SELECT throwIf(1, 'x', 243::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 243, true},
		"type mismatch":  {"SELECT throwIf(1, 'x', 53::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 53, false},
	} {
		err := db.Apply(t.Context(), c.sql)
		if store.Code(err) != c.code || store.Retryable(err) != c.again {
			t.Errorf("%s: code %d, again %v: %v", name, store.Code(err), store.Retryable(err), err)
		}
	}
	if store.Retryable(nil) || store.Retryable(context.Canceled) || !store.Retryable(context.DeadlineExceeded) {
		t.Error("errors of the context")
	}
}

// TestAUserWhoMayOnlyRead writes with a profile that forbids it: that is said at once, and not retried as an outage.
func TestAUserWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	db, err := store.Open(store.Config{URL: secret.NewURL(open(t).url + "&readonly=2"),
		OutageLimit: time.Hour})
	must(t, err)
	t.Cleanup(db.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = db.RecordRun(ctx, ledger.RunRecord{RunID: "r"})
	if store.Code(err) != 164 || fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(fault.Hint(err), "readonly") {
		t.Errorf("exit %d, hint %q: %v", fault.ExitCode(err), fault.Hint(err), err)
	}
}

func TestPingSaysWhatToDo(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	for name, c := range map[string]struct{ url, hint string }{
		"nobody there": {nobody.URL, "txflow platform"},
		"no database":  {embeddedtest.ClickHouse(t) + "/?database=not_there", "txflow migrate"},
	} {
		db, err := store.Open(store.Config{URL: secret.NewURL(c.url)})
		must(t, err)
		_, err = db.Ping(t.Context())
		if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(fault.Hint(err), c.hint) {
			t.Errorf("%s: exit %d, hint %q: %v", name, fault.ExitCode(err), fault.Hint(err), err)
		}
		db.Close()
	}
	for _, url := range []string{"", "nonsense", "ftp://host", "http://user:secret@host:port"} {
		_, err := store.Open(store.Config{URL: secret.NewURL(url)})
		if fault.ExitCode(err) != fault.ExitUsage || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
