package httpserve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

func TestServe(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"a request in flight is answered": time.Minute,
		"a request that takes too long is cut off": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Server{Name: "the test", Addr: "127.0.0.1:0", ShutdownLimit: limit, Log: slog.New(slog.DiscardHandler)}
			listener, err := s.Listen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			began, release := make(chan struct{}), make(chan struct{})
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() {
				served <- s.Serve(ctx, listener, &http.Server{ReadHeaderTimeout: time.Second,
					Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
						close(began)
						<-release
					})})
			}()
			asked := make(chan error, 1)
			go func() {
				resp, err := http.Get("http://" + listener.Addr().String())
				if err == nil {
					err = resp.Body.Close()
				}
				asked <- err
			}()
			<-began
			stop()
			if limit == time.Minute {
				close(release)
				if err := errors.Join(<-asked, <-served); err != nil {
					t.Error(err)
				}
				return
			}
			if err := <-served; err == nil || !strings.Contains(err.Error(), "in flight after 1ms") {
				t.Errorf("it ends with %v", err)
			}
			if err := <-asked; err == nil {
				t.Error("the request was answered")
			}
			close(release)
		})
	}
}

func TestWrongServers(t *testing.T) {
	t.Parallel()
	s := Server{Name: "the test", Addr: "127.0.0.1:0", CertFile: "none.pem", Log: slog.New(slog.DiscardHandler)}
	listener, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken := Server{Name: "another", Addr: listener.Addr().String()}
	if _, err := taken.Listen(t.Context()); fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(fault.Hint(err), "--addr") {
		t.Errorf("an address that is taken: %v", err)
	}
	err = s.Serve(t.Context(), listener, &http.Server{ReadHeaderTimeout: time.Second})
	if fault.ExitCode(err) != fault.ExitUsage {
		t.Errorf("without its certificate: %v", err)
	}
	if _, err := taken.Listen(t.Context()); err != nil {
		t.Errorf("the listener was not closed: %v", err)
	}
}
