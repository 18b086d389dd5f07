package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

func TestListenAndServe(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Addr: "127.0.0.1:0", Practice: Practice{Latency: 50 * time.Millisecond}})
	listener, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()

	_, err = newServer(t, Config{Addr: listener.Addr().String()}).Listen(t.Context())
	if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(err.Error(), listener.Addr().String()) ||
		fault.Hint(err) == "" {
		t.Errorf("a port that is taken: %v", err)
	}

	answers := make(chan string, 1)
	go func() {
		response, err := http.Post("http://"+listener.Addr().String()+"/predict", "application/json",
			bytes.NewReader([]byte("[]")))
		if err != nil {
			answers <- err.Error()
			return
		}
		_ = response.Body.Close()
		answers <- response.Status
	}()
	waitFor(t, func() bool { return s.requests.Load() == 1 })
	stop() // while the request waits out its latency
	if got := <-answers; got != "200 OK" {
		t.Errorf("the request in flight got %s", got)
	}
	if err := <-done; err != nil {
		t.Errorf("the end: %v", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestServeTellsWhenTheListenerFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Addr: "127.0.0.1:0"})
	listener, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := s.Serve(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestPageMayRunItsOwnScriptOnly asks for the page's policy: no inline script but the one whose hash is named.
func TestPageMayRunItsOwnScriptOnly(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs", http.NoBody))
	policy, page := w.Header().Get("Content-Security-Policy"), w.Body.String()
	script := page[strings.Index(page, "<script>")+len("<script>") : strings.Index(page, "</script>")]
	sum := sha256.Sum256([]byte(script))
	if strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy is %q", policy)
	}
	for _, attribute := range []string{" style=", " onclick=", " onload=", "javascript:"} {
		if strings.Contains(page, attribute) {
			t.Errorf("the page has %s, which its policy refuses", attribute)
		}
	}
}
