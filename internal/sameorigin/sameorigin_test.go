package sameorigin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/txflow/txflow/internal/sameorigin"
)

// TestHandler asks for hosts and from origins, of a strict server and of one that cluster networks reach by name.
func TestHandler(t *testing.T) {
	t.Parallel()
	const open, strict = true, false
	for _, tt := range []struct {
		cluster bool
		method  string
		host    string
		header  [2]string
		status  int
	}{
		{strict, "GET", "127.0.0.1:8123", [2]string{}, 200},
		{strict, "GET", "[::1]:8123", [2]string{}, 200},
		{strict, "GET", "[::1]", [2]string{}, 200},
		{strict, "GET", "localhost.:80", [2]string{}, 200},
		{strict, "GET", "named.example", [2]string{}, 200},
		{strict, "GET", "", [2]string{}, 200},
		{strict, "GET", "ml-api:8000", [2]string{}, 421},
		{strict, "GET", "rebind.example:8123", [2]string{}, 421},
		{open, "GET", "ml-api:8000", [2]string{}, 200},
		{open, "GET", "ml-api.txflow.svc:8000", [2]string{}, 200},
		{open, "GET", "ml-api.txflow.svc.cluster.local", [2]string{}, 200},
		{open, "GET", "rebind.example", [2]string{}, 421},
		{open, "GET", "svc.example", [2]string{}, 421},
		{strict, "POST", "localhost:1", [2]string{"Origin", "http://localhost:1"}, 200},
		{strict, "POST", "localhost:1", [2]string{"Origin", "http://localhost:2"}, 403},
		{strict, "POST", "localhost:1", [2]string{"Origin", "null"}, 403},
		{strict, "POST", "localhost:1", [2]string{"Origin", "https://evil.example"}, 403},
		{strict, "GET", "localhost:1", [2]string{"Sec-Fetch-Site", "none"}, 200},
		{strict, "GET", "localhost:1", [2]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{strict, "GET", "localhost:1", [2]string{"Sec-Fetch-Site", "same-site"}, 403},
		{strict, "GET", "localhost:1", [2]string{"Sec-Fetch-Site", "anything"}, 403},
	} {
		hosts := []string{"named.example"}
		if tt.cluster {
			hosts = append(hosts, "*")
		}
		h := sameorigin.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), hosts...)
		req := httptest.NewRequestWithContext(t.Context(), tt.method, "/", http.NoBody)
		req.Host = tt.host
		if tt.header[0] != "" {
			req.Header.Set(tt.header[0], tt.header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != tt.status {
			t.Errorf("%s for %q with %v, cluster %t: %d, want %d", tt.method, tt.host, tt.header, tt.cluster, w.Code, tt.status)
		}
	}
}
