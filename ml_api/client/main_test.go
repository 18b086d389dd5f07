package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txflow/txflow/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick is a configuration whose waits are short.
func quick(url string) Config {
	return Config{URL: secret.NewURL(url), BackoffBase: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		BreakerDelay: 5 * time.Millisecond, OutageLimit: 5 * time.Second, CallTimeout: 2 * time.Second}
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	h := httptest.NewServer(handler)
	t.Cleanup(h.Close)
	return h.URL
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ended is a context that is over.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
