package collect

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/event"
)

const scope = "github.com/txflow/txflow/stream/events/collect"

// call is one request of a sender, and what the log of it says.
type call struct {
	entry
	sender *sender
	span   trace.Span
	read   bool              // the request's body was read to its end
	body   []byte            // of the answer; it may be in a buffer that is used again by release
	header map[string]string // of the answer
	free   func()
}

// anonymous is a sender without a token, on this machine.
var anonymous = &sender{}

// sender is who makes a request; nil for nobody who is known.
func (s *Server) sender(r *http.Request) *sender {
	if s.cfg.Tokens == nil {
		return anonymous
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil
	}
	return s.cfg.Tokens.find(token)
}

// handle frames a request of a sender: its id, token, span, audit and metrics. An answer that is not recorded is not
// given.
func (s *Server) handle(route string, work func(http.ResponseWriter, *http.Request, *call) *refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := s.cfg.Now()
		ctx, span := s.tracer.Start(s.cfg.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header)),
			r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
		c := &call{span: span, free: func() {}}
		c.at, c.request, c.address, c.method, c.route = started, newRequestID(), remote(r), method(r), route
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			span.End()
			c.free()
		}()
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			c.traceID = sc.TraceID().String()
		}
		var refused *refusal
		if c.sender = s.sender(r); c.sender == nil {
			refused = unauthorized
		} else {
			c.token = c.sender.name
			refused = work(w, r.WithContext(ctx), c)
		}
		if refused != nil {
			c.status, c.code = refused.status, refused.code
		}
		c.took = s.cfg.Now().Sub(started)
		refused = s.record(c, refused)
		s.metrics.count(c)
		endSpan(c)
		h := w.Header()
		h["X-Request-Id"] = []string{c.request}
		for name, value := range c.header {
			h.Set(name, value)
		}
		if refused != nil {
			c.free() // now: a sender may still be sending for a while
			c.free = func() {}
			s.refuseEarly(w, r, refused, c)
			return
		}
		h["Content-Type"] = jsonType
		h["Content-Length"] = []string{strconv.Itoa(len(c.body))} // else long answers come in chunks
		w.WriteHeader(c.status)
		_, _ = w.Write(c.body) // the sender is gone: nobody reads it
	}
}

// record writes the line of the audit log. Without it the answer is another one.
func (s *Server) record(c *call, refused *refusal) *refusal {
	if s.cfg.Audit == nil {
		return refused
	}
	err := s.cfg.Audit.write(&c.entry)
	if was := s.audited.Swap(err == nil); err == nil {
		return refused
	} else if was {
		s.cfg.Logger.Error("the audit log can not be written: no event is accepted", "error", err)
	}
	c.status, c.code = notAudited.status, notAudited.code
	return notAudited
}

var notAudited = &refusal{http.StatusServiceUnavailable, "audit_log", "the request can not be recorded", 5}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// remote is the address of the sender, without the port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// method is that of a request, where it is a usual one: it is the sender's text.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return r.Method
	}
	return "other"
}

// event serves GET /events/{id}.
func (s *Server) event(w http.ResponseWriter, r *http.Request, c *call) *refusal {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed",
			message: "only GET is served here"}
	}
	id, ok := event.ParseID(r.PathValue("id"))
	if !ok {
		return &refusal{status: http.StatusBadRequest, code: "invalid_id", message: "the id of an event is a UUID"}
	}
	if s.cfg.States == nil {
		return &refusal{status: http.StatusNotImplemented, code: "no_store",
			message: "this collector knows no ClickHouse (--clickhouse-url)"}
	}
	state, err := s.cfg.States.EventState(r.Context(), id)
	switch {
	case err != nil && errors.Is(err, r.Context().Err()):
		return &refusal{http.StatusServiceUnavailable, "interrupted", "the sender disconnected", 1}
	case err != nil:
		s.cfg.Logger.WarnContext(r.Context(), "the state of an event can not be read", "error", err)
		return &refusal{http.StatusServiceUnavailable, "store_unavailable", "ClickHouse does not answer", 5}
	case state == nil, state.Token != c.sender.name: // one sender does not see another's
		return &refusal{status: http.StatusNotFound, code: "unknown_event",
			message: "no such event is known, or not yet"}
	}
	c.status, c.body = http.StatusOK, state.document()
	return nil
}
