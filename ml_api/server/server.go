// Package server is the ML API: it answers POST /predict with the category of each transaction, by the rule
// CATEGORIES[hash(transaction.id) % len(CATEGORIES)], and serves its health, metrics and documentation.
package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/apidocs"
	"github.com/txflow/txflow/internal/inflight"
	mlapi "github.com/txflow/txflow/ml_api"
)

// Server is the ML API. It is an http.Handler, and serves itself with ListenAndServe.
type Server struct {
	cfg       Config
	mux       *http.ServeMux
	encoder   *encoder
	metrics   *metrics
	tracer    trace.Tracer
	spanAttrs []attribute.KeyValue // the same on every span
	started   time.Time
	requests  atomic.Uint64   // to /predict, counted when they arrive
	held      inflight.Budget // bytes of bodies
}

// New makes a server, or fails with exit code 64 and every fault of the configuration.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	enc, err := newEncoder(cfg.Categories, cfg.ModelVersion, cfg.Rotate)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, mux: http.NewServeMux(), encoder: enc, metrics: newMetrics(cfg.ModelVersion), started: time.Now(),
		tracer: cfg.TracerProvider.Tracer(scope),
		spanAttrs: []attribute.KeyValue{attribute.String("http.route", "/predict"),
			attribute.String("txflow.model_version", cfg.ModelVersion)},
	}
	contract, err := mlapi.With(cfg.Categories.Names())
	if err != nil {
		return nil, err
	}
	docs, err := apidocs.New(contract)
	if err != nil {
		return nil, err
	}
	s.held.Limit = cfg.MaxInFlight
	s.mux.HandleFunc("/predict", s.authorized(s.predict))
	s.mux.HandleFunc("/health", getOnly(s.health))
	s.mux.HandleFunc("/metrics", s.authorized(getOnly(s.metrics.handler().ServeHTTP)))
	s.mux.HandleFunc("/openapi.json", getOnly(docs.OpenAPI))
	s.mux.HandleFunc("/docs", getOnly(docs.Page))
	s.mux.HandleFunc("/{$}", getOnly(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs", http.StatusFound)
	}))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeDetail(w, http.StatusNotFound,
			"Not Found")
	})
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Health is what GET /health answers.
type Health struct {
	Status        string  `json:"status"` // "ok"
	ModelVersion  string  `json:"model_version"`
	UptimeSeconds float64 `json:"uptime_seconds"`
	Requests      uint64  `json:"requests"` // to /predict, since the start
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, Health{Status: "ok", ModelVersion: s.cfg.ModelVersion,
		UptimeSeconds: time.Since(s.started).Round(time.Millisecond).Seconds(), Requests: s.requests.Load()})
}

func getOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeDetail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
			return
		}
		next(w, r)
	}
}

// authorized lets in who has a token, where one is wanted.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	if s.cfg.Tokens == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "bearer") || !s.cfg.Tokens.Match(strings.TrimSpace(token)) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeDetail(w, http.StatusUnauthorized, "a bearer token is wanted")
			return
		}
		next(w, r)
	}
}

func writeDetail(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, map[string]string{"detail": detail})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone: nobody reads it
}
