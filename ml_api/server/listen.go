package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/txflow/txflow/internal/httpserve"
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
func (s *Server) Listen(ctx context.Context) (net.Listener, error) { return s.serving().Listen(ctx) }

func (s *Server) serving() *httpserve.Server {
	return &httpserve.Server{Name: "the ML API", Addr: s.cfg.Addr, CertFile: s.cfg.CertFile, KeyFile: s.cfg.KeyFile,
		ShutdownLimit: s.cfg.ShutdownLimit, Log: s.cfg.Logger}
}

// Serve serves at a listener, which it closes, until the context ends. Then it takes no more requests and waits for
// those in flight.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	err := s.serving().Serve(ctx, listener, &http.Server{
		Handler:           sameorigin.Handler(s, "*"),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute + s.cfg.Practice.Latency + s.cfg.Practice.Jitter,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}, "model_version", s.cfg.ModelVersion)
	s.cfg.Logger.Info("the ML API has stopped", "requests", s.requests.Load())
	return err
}
