package collect

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/apidocs"
	"github.com/txflow/txflow/internal/inflight"
	"github.com/txflow/txflow/stream/events"
)

// Server is the collector. It is an http.Handler, and serves itself with ListenAndServe.
type Server struct {
	cfg      Config
	mux      *http.ServeMux
	docs     *apidocs.Docs
	metrics  *metrics
	tracer   trace.Tracer
	held     inflight.Budget // bytes of bodies
	limits   limits
	keys     keys
	packs    sync.Pool
	tooLarge *refusal
	audited  atomic.Bool // the last line of the audit log was written
}

// New makes a server, or fails with exit code 64 and every fault of the configuration.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	docs, err := apidocs.New(contract())
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), docs: docs, tracer: cfg.TracerProvider.Tracer(scope),
		limits: limits{burst: cfg.MaxItems, standard: cfg.Rate}, keys: keys{most: mostKeys, keep: keepKeys},
		packs: sync.Pool{New: func() any { return new(pack) }},
		tooLarge: &refusal{status: http.StatusRequestEntityTooLarge, code: "too_large",
			message: fmt.Sprintf("the body is longer than %d bytes", cfg.MaxBodyBytes)}}
	s.held.Limit = cfg.MaxInFlight
	s.metrics = newMetrics(s)
	s.audited.Store(true)
	s.mux.HandleFunc("/collect", s.handle("/collect", s.collect))
	s.mux.HandleFunc("/events", s.handle("/events", s.collect))
	s.mux.HandleFunc("/events/{id}", s.handle("/events/{id}", s.event))
	s.mux.HandleFunc("/health", getOnly(func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK,
			`{"status":"ok"}`)
	}))
	s.mux.HandleFunc("/ready", getOnly(s.ready))
	s.mux.HandleFunc("/metrics", getOnly(s.onlySenders(s.metrics.handler())))
	s.mux.HandleFunc("/openapi.json", getOnly(docs.OpenAPI))
	s.mux.HandleFunc("/docs", getOnly(docs.Page))
	s.mux.HandleFunc("/{$}", getOnly(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs",
			http.StatusFound)
	}))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.refuse(w, notFound, "") })
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

const readyTime = 2 * time.Second

// ready reports whether a package would be accepted now.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	what := ""
	if _, known := s.cfg.Schema.ID(); !known {
		what = "schema_unknown"
	} else if !s.audited.Load() {
		what = "audit_log"
	} else if err := s.cfg.Publisher.Check(ctx, events.Raw, events.DeadLetters); err != nil {
		s.cfg.Logger.DebugContext(ctx, "not ready", "error", err)
		what = "kafka"
	}
	if what != "" {
		w.Header().Set("Retry-After", "1")
		writeText(w, http.StatusServiceUnavailable, `{"status":"not ready","reason":"`+what+`"}`)
		return
	}
	writeText(w, http.StatusOK, `{"status":"ready"}`)
}

func getOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeText(w, http.StatusMethodNotAllowed,
				`{"code":"method_not_allowed","message":"only GET is served here"}`)
			return
		}
		next(w, r)
	}
}

// onlySenders lets in who has a token, where tokens are needed.
func (s *Server) onlySenders(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.sender(r) == nil {
			s.refuse(w, unauthorized, "")
			return
		}
		next.ServeHTTP(w, r)
	}
}

var jsonType = []string{"application/json"}

func writeText(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body + "\n")) // the caller is gone: nobody reads it
}

// refuse answers a request as a whole.
func (s *Server) refuse(w http.ResponseWriter, why *refusal, request string) {
	h := w.Header()
	if why.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(why.retryAfter)}
	}
	if why == unauthorized {
		h["Www-Authenticate"] = []string{"Bearer"}
	}
	document := why.document(nil, request)
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(document))}
	w.WriteHeader(why.status)
	_, _ = w.Write(document) // the sender is gone: nobody reads it
}
