package collect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
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
		return nil, fault.WithHint(fault.Failf(fault.ExitUnavailable, "the collector can not listen at %s: %w",
			s.cfg.Addr, err),
			"stop what listens there, or choose another address with --addr")
	}
	return listener, nil
}

// Bounds of a connection.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	answerTime = 30 * time.Second // to take an answer
	maxHeader  = 32 << 10
)

// Serve serves at a listener, which it closes, until the context ends. Then it takes no more requests and answers those
// in flight: what was accepted is acknowledged.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.guarded(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       s.cfg.BodyTimeout,
		WriteTimeout:      s.cfg.BodyTimeout + s.cfg.AckTimeout + answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	served, scheme := make(chan error, 1), "http://"
	if s.cfg.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return errors.Join(fault.Failf(fault.ExitUsage, "the collector's certificate: %w", err), listener.Close())
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		scheme = "https://"
		go func() { served <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { served <- server.Serve(listener) }()
	}
	learning, learned := context.WithCancel(ctx)
	defer learned()
	go s.cfg.Schema.Learn(learning)
	s.cfg.Logger.Info("the collector serves", "url", scheme+listener.Addr().String())
	select {
	case err := <-served:
		return fmt.Errorf("the collector stopped serving: %w", err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownLimit)
	defer cancel()
	err := server.Shutdown(deadline)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still in flight after %s: %w", s.cfg.ShutdownLimit, err),
			server.Close())
	}
	<-served //nolint:errcheck // it is http.ErrServerClosed
	s.cfg.Logger.Info("the collector has stopped")
	return err
}

// Headers of pages of other origins.
const (
	allowedHeaders = "Authorization, Content-Type, Content-Encoding, Idempotency-Key, Prefer, Traceparent"
	exposedHeaders = "X-Request-Id, X-Correlation-Id, Txflow-Accepted, Txflow-Rejected, Retry-After"
)

// guarded refuses web pages that are not configured: browsers send what any page asks for.
func (s *Server) guarded() http.Handler {
	inner := sameorigin.Handler(s, "*")
	if s.cfg.Tokens != nil { // a page has no token; any name may lead here
		inner = s
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = []string{"nosniff"}
		origin := r.Header.Get("Origin")
		if len(s.cfg.Origins) > 0 {
			h["Vary"] = []string{"Origin"}
		}
		if origin == "" || !slices.Contains(s.cfg.Origins, origin) {
			inner.ServeHTTP(w, r)
			return
		}
		h["Access-Control-Allow-Origin"] = []string{origin}
		h["Access-Control-Expose-Headers"] = []string{exposedHeaders}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h["Access-Control-Allow-Methods"] = []string{"GET, POST"}
			h["Access-Control-Allow-Headers"] = []string{allowedHeaders}
			h["Access-Control-Max-Age"] = []string{"600"}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.ServeHTTP(w, r)
	})
}

// validOrigin tells whether a text is an origin as browsers send it.
func validOrigin(origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	return ok && (scheme == "http" || scheme == "https") && host != "" && !strings.ContainsAny(host, "/?#@* ")
}
