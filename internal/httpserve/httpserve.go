// Package httpserve serves HTTP until a context ends, and lets requests in flight finish.
package httpserve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Server is where and how to serve.
type Server struct {
	Name              string // in logs and errors, like "the ML API"
	Addr              string // HOST:PORT
	CertFile, KeyFile string // PEM, for TLS, read again when they change; empty for none
	ShutdownLimit     time.Duration
	Log               *slog.Logger
}

// Listen takes the address; exit code 69 if it is not available.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return nil, fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s can not listen at %s: %w", s.Name, s.Addr, err),
			"stop what listens there, or choose another address with --addr")
	}
	return listener, nil
}

// Serve serves at a listener, which it closes, until the context ends. Then it takes no more requests and waits for
// those in flight. The log has the URL, with attributes.
func (s *Server) Serve(ctx context.Context, listener net.Listener, server *http.Server, attributes ...any) error {
	server.ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
	served, scheme := make(chan error, 1), "http://"
	if s.CertFile != "" {
		certificate := certificate{certFile: s.CertFile, keyFile: s.KeyFile, log: s.Log, now: time.Now}
		if err := certificate.load(); err != nil {
			return errors.Join(fault.Failf(fault.ExitUsage, "%s's certificate: %w", s.Name, err), listener.Close())
		}
		server.TLSConfig = &tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12}
		scheme = "https://"
		go func() { served <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { served <- server.Serve(listener) }()
	}
	s.Log.Info(s.Name+" serves", append([]any{"url", scheme + listener.Addr().String()}, attributes...)...)
	select {
	case err := <-served:
		return fmt.Errorf("%s stopped serving: %w", s.Name, err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ShutdownLimit)
	defer cancel()
	err := server.Shutdown(deadline)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still in flight after %s: %w", s.ShutdownLimit, err), server.Close())
	}
	<-served //nolint:errcheck // it is http.ErrServerClosed
	return err
}
