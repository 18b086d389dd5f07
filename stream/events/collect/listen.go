package collect

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/httpserve"
	"github.com/txflow/txflow/internal/sameorigin"
)

// Listen takes the configured address; exit code 69 if it is not available.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) { return s.serving().Listen(ctx) }

func (s *Server) serving() *httpserve.Server {
	return &httpserve.Server{Name: "the collector", Addr: s.cfg.Addr, CertFile: s.cfg.CertFile, KeyFile: s.cfg.KeyFile,
		ShutdownLimit: s.cfg.ShutdownLimit, Log: s.cfg.Logger}
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
	learning, learned := context.WithCancel(ctx)
	defer learned()
	go s.cfg.Schema.Learn(learning)
	err := s.serving().Serve(ctx, listener, &http.Server{
		Handler:           s.guarded(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       s.cfg.BodyTimeout,
		WriteTimeout:      s.cfg.BodyTimeout + s.cfg.AckTimeout + answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
	})
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

// validOrigin reports whether a text is an origin as browsers send it.
func validOrigin(origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	return ok && (scheme == "http" || scheme == "https") && host != "" && !strings.ContainsAny(host, "/?#@* ")
}
