package collect

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/event/parse"
	"github.com/txflow/txflow/internal/inflight"
)

// collect serves POST /collect and POST /events.
func (s *Server) collect(w http.ResponseWriter, r *http.Request, c *call) *refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return wrongMethod
	}
	schema, known := s.cfg.Schema.ID()
	if !known {
		return notReady
	}
	if !s.audited.Load() { // the line about this refusal shows whether the log works again
		return notAudited
	}
	key := r.Header.Get("Idempotency-Key")
	if _, given := r.Header["Idempotency-Key"]; given && !validKey(key) {
		return badKey
	}
	held := inflight.Lease{Of: &s.held}
	p := s.packs.Get().(*pack)
	c.free = func() {
		held.Release()
		p.reset()
		s.packs.Put(p)
	}
	var refused *refusal
	if p.body, refused = s.readBody(w, r, p.body[:0], &held); refused != nil {
		return refused
	}
	p.request, p.token, p.received, p.schema, p.traceparent = c.request, c.token, c.at, schema, traceparent(r.Context())
	c.read, c.bytes, c.key = true, len(p.body), key != ""
	if refused := s.admit(p, c, key); refused != nil {
		return refused
	}
	s.answer(r, p, c)
	return nil
}

// admit parses a package and gives it its ids, or refuses it as a whole.
func (s *Server) admit(p *pack, c *call, key string) *refusal {
	items, _, err := parse.Package(p.items[:0], p.text(), parse.Limits{Items: s.cfg.MaxItems,
		ItemBytes: s.cfg.MaxEventBytes})
	p.items = items
	if e := (*parse.Error)(nil); errors.As(err, &e) {
		if e.Items {
			return &refusal{status: http.StatusRequestEntityTooLarge, code: "too_many_items", message: e.Error()}
		}
		return &refusal{status: http.StatusBadRequest, code: "malformed_json", message: e.Error()}
	}
	c.items = len(items)
	if wait := s.limits.admit(c.sender, len(items), s.cfg.Now()); wait > 0 {
		return &refusal{http.StatusTooManyRequests, "rate_limited", "the token's rate is used up",
			int(math.Ceil(wait.Seconds()))}
	}
	p.correlation = event.NewID()
	if key != "" {
		if s.keys.conflicts(p.token, key, p.body, s.cfg.Now()) {
			return &refusal{status: http.StatusUnprocessableEntity, code: "idempotency_conflict",
				message: "this Idempotency-Key came with another body before"}
		}
		p.correlation = event.KeyCorrelation(p.token, key)
	}
	c.correlation = p.correlation
	p.name(key != "")
	return nil
}

// answer publishes a package and says what became of it.
func (s *Server) answer(r *http.Request, p *pack, c *call) {
	c.header = map[string]string{"X-Correlation-Id": p.correlation.String()}
	strict := prefersStrict(r.Header)
	if strict {
		c.header["Preference-Applied"] = "handling=strict"
	}
	if strict && p.broken() > 0 {
		p.hold()
		c.status = http.StatusUnprocessableEntity
	} else {
		// A sender that disconnects leaves a package whose outcome is in the log all the same.
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(r.Context()), s.cfg.AckTimeout+ackGrace,
			errAckTimeout)
		copied := s.copyRejects(ctx, p, func(i int) bool { return p.items[i].Violation != nil })
		began := time.Now()
		p.publish(ctx, s.cfg.Publisher)
		s.metrics.ack.Observe(time.Since(began).Seconds())
		<-copied
		<-s.copyRejects(ctx, p, func(i int) bool { return slices.Contains(p.refused, i) })
		cancel()
		c.status = p.status()
	}
	c.accepted, c.rejected, c.unwritten = p.accepted, p.rejected, p.unwritten
	c.header["Txflow-Accepted"], c.header["Txflow-Rejected"] = strconv.Itoa(p.accepted), strconv.Itoa(p.rejected)
	if c.status == http.StatusServiceUnavailable {
		c.code = "not_written"
		c.header["Retry-After"] = strconv.Itoa(retrySoon)
	}
	p.answer = p.document(p.answer[:0])
	c.body = p.answer
}

// ackGrace is how much longer than Kafka's client itself a request waits.
const ackGrace = time.Second

var errAckTimeout = errors.New("Kafka takes too long") //nolint:staticcheck // a name

// hold notes the items of a package that is not published since one is broken.
func (p *pack) hold() {
	for i := range p.items {
		o := notPublished
		if p.items[i].Violation != nil {
			o = rejected
			p.rejected++
		}
		p.outcomes = append(p.outcomes, o)
	}
}

// prefersStrict reads the header Prefer (RFC 7240).
func prefersStrict(h http.Header) bool {
	for _, line := range h["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
			value, _, _ = strings.Cut(value, ";")
			if strings.EqualFold(strings.TrimSpace(name), "handling") &&
				strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "strict") {
				return true
			}
		}
	}
	return false
}

func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 255
}

// traceparent is the trace that a message carries on; "" without one.
func traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
