package uicmd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/httpserve"
	"github.com/txflow/txflow/internal/ui"
)

// Server serves the page until its end.
type Server struct {
	ui       *ui.UI
	http     *http.Server
	listener net.Listener
	served   chan error
}

// Bounds of a connection: nobody is waited for long.
const (
	headerTime = 10 * time.Second
	answerTime = time.Minute
	idleTime   = 2 * time.Minute
	closeTime  = 2 * time.Second
	maxHeader  = 64 << 10
)

// Listen begins to serve the page. Beyond this machine it asks for a token: without one the error has exit code 64.
// That of an address that is taken has 69.
func Listen(ctx context.Context, addr string, cfg *ui.Config) (*Server, error) {
	if cfg.Tokens == nil && !httpserve.Loopback(addr) {
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "%s is beyond this machine: the page must ask for a token "+
			"there", addr),
			"write one to a file and name that with --token-file (TXFLOW_UI_TOKEN_FILE), for example: openssl rand -hex 16 > "+
				"token")
	}
	pages, err := ui.New(*cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{ui: pages, served: make(chan error, 1)}
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", addr); err != nil {
		pages.Close()
		return nil, fault.WithHint(fault.Failf(fault.ExitUnavailable, "the page can not be served: %w", err),
			"name another address with --addr (TXFLOW_UI_ADDR)")
	}
	s.http = &http.Server{Handler: pages, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader}
	if cfg.Log != nil {
		s.http.ErrorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)
	}
	go func() { s.served <- s.http.Serve(s.listener) }()
	return s, nil
}

// URL is where the page is.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Wait serves until the context ends.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		s.Close()
		return nil
	case err := <-s.served:
		s.ui.Close()
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return fault.Fail(fault.ExitUnavailable, err)
	}
}

// Close ends it, with the requests that are under way.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // what is under way is read only
	}
	s.ui.Close()
}
