package server

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

	"github.com/txflow/txflow/internal/sameorigin"
)

// ListenAndServe serves at the configured address until the context ends, then lets the requests in flight finish.
func (s *Server) ListenAndServe(ctx context.Context) error {
	listener, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// Listen takes the configured address; exit code 69 if it is not available.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		err = fmt.Errorf("the ML API can not listen at %s: %w", s.cfg.Addr, err)
		return nil, fault.WithHint(fault.Fail(fault.ExitUnavailable, err),
			"stop what listens there, or choose another address with --addr")
	}
	return listener, nil
}

// Serve serves at a listener, which it closes, until the context ends. Then it takes no more requests and waits for
// those in flight.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           sameorigin.Handler(s, "*"),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute + s.cfg.Practice.Latency + s.cfg.Practice.Jitter,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	served, scheme := make(chan error, 1), "http://"
	if s.cfg.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return errors.Join(fault.Failf(fault.ExitUsage, "the ML API's certificate: %w", err), listener.Close())
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		scheme = "https://"
		go func() { served <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { served <- server.Serve(listener) }()
	}
	s.cfg.Logger.Info("the ML API serves", "url", scheme+listener.Addr().String(), "model_version", s.cfg.ModelVersion)
	select {
	case err := <-served:
		return fmt.Errorf("the ML API stopped serving: %w", err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownLimit)
	defer cancel()
	err := server.Shutdown(deadline)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still in flight after %s: %w", s.cfg.ShutdownLimit, err), server.Close())
	}
	<-served //nolint:errcheck // it is http.ErrServerClosed
	s.cfg.Logger.Info("the ML API has stopped", "requests", s.requests.Load())
	return err
}
