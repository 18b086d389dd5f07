package front_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/embedded/embeddedtest"
)

// TestCutOffBodyStoresNothing sends half of an insert and hangs up.
func TestCutOffBodyStoresNothing(t *testing.T) {
	t.Parallel()
	dsn := embeddedtest.Database(t)
	embeddedtest.Exec(t, embeddedtest.ClickHouse(t)+"/?"+strings.SplitN(dsn, "?", 2)[1], "SELECT 1")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	post := func(sql string) string { return send(t, "POST", dsn, sql).body }
	post("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	for _, head := range []string{"Content-Length: 90000000", "Transfer-Encoding: chunked"} {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.Repeat("7\n", 2_000_000)
		if strings.HasPrefix(head, "Transfer") {
			rows = fmt.Sprintf("%x\r\n%s\r\n", len(rows), rows)
		}
		_, err = fmt.Fprintf(c, "POST /?%s&query=%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s", u.RawQuery,
			url.QueryEscape("INSERT INTO t FORMAT TSV"), head, rows)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(c) // the server may as well hang up
		_ = c.Close()
		if strings.Contains(string(answer), "200 OK") {
			t.Errorf("%s: answered %s", head, answer)
		}
		if got := post("SELECT count() FROM t"); got != "0\n" {
			t.Errorf("%s: %s rows of a cut-off insert are stored", head, got)
		}
	}
}

func TestCancelledQueryEnds(t *testing.T) {
	t.Parallel()
	dsn := embeddedtest.Database(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, dsn,
		strings.NewReader("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Fatal("it ended")
	}
	deadline := time.Now().Add(2 * time.Minute)
	for send(t, "POST", dsn,
		"SELECT count() FROM system.processes WHERE NOT is_cancelled AND query LIKE '%1000000000000%' AND query NOT LIKE "+
			"'%system.processes%'").body != "0\n" {
		if time.Now().After(deadline) {
			t.Fatal("the query goes on after its client")
		}
	}
}

// TestBrokenResultIsNotTakenForWhole reads a result whose query fails half way.
func TestBrokenResultIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	dsn := embeddedtest.Database(t)
	resp, err := http.Post(dsn, "text/plain", strings.NewReader("SELECT number, throwIf(number = 5000000) FROM "+
		"numbers(10000000)"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("half a result looks whole")
	}
}
