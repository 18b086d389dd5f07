// Package embeddedtest gives tests the real ClickHouse engine. A process can have one data folder open, so a test
// binary shares one platform; each test takes a database of its own.
package embeddedtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/txflow/txflow/internal/embedded"
)

var shared struct {
	once     sync.Once
	platform *embedded.Platform
	dir      string
	err      error
}

// Main runs a package's tests and stops the platform after them: func TestMain(m *testing.M) {
// os.Exit(embeddedtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.platform != nil {
		if err := shared.platform.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the embedded platform:", err)
			code = 1
		}
	}
	_ = os.RemoveAll(shared.dir) // a folder for temporary files
	return code
}

// ClickHouse returns the URL of the package's ClickHouse and starts it at the first call.
func ClickHouse(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "txflow-test-"); shared.err == nil {
			shared.platform, shared.err = embedded.Start(context.Background(),
				embedded.Config{Dir: shared.dir, ClickHouseAddr: "127.0.0.1:0", Progress: os.Stderr})
		}
	})
	if shared.err != nil {
		t.Fatalf("start the embedded platform: %v", shared.err)
	}
	return shared.platform.ClickHouseURL()
}

// Database makes a database that lives as long as the test and returns the URL of ClickHouse with it.
func Database(t testing.TB) string {
	t.Helper()
	base := ClickHouse(t)
	var tail [6]byte
	_, _ = rand.Read(tail[:]) // it never fails
	name := "test_" + hex.EncodeToString(tail[:])
	Exec(t, base, "CREATE DATABASE "+name+" ENGINE = Atomic")
	t.Cleanup(func() { Exec(t, base, "DROP DATABASE "+name+" SYNC") })
	return base + "/?database=" + name
}

// Exec runs a statement and returns its result as TabSeparated.
func Exec(t testing.TB, base, sql string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/"
	resp, err := http.Post(u.String(), "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", sql, resp.StatusCode, body, err)
	}
	return string(body)
}
