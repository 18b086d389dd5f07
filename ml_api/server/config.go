package server

import (
	"log/slog"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/settings"
	"github.com/txflow/txflow/internal/transaction"
)

// Config says where to serve and what model to be. A zero field takes its default.
type Config struct {
	Addr           string                  // host:port; port 0 takes a free one
	ModelVersion   string                  // what answers call the model
	Categories     *transaction.Categories // that answers may hold, in the order of the rule; nil: the default ones
	Rotate         int                     // categories are moved on by so many places: another model, for practice
	MaxBodyBytes   int64                   // a longer body is answered 413
	MaxItems       int                     // a longer array is answered 422
	MaxInFlight    int64                   // bytes of bodies that are held at once; beyond, 429
	Tokens         *secret.Tokens          // whoever asks /predict or /metrics must have one of them; nil: anybody may
	CertFile       string                  // certificate in PEM, with KeyFile; empty: no TLS
	KeyFile        string
	ShutdownLimit  time.Duration                 // how long requests in flight may take when the server stops
	TracerProvider trace.TracerProvider          // nil: no traces
	Propagator     propagation.TextMapPropagator // of the trace in requests; nil: W3C trace context
	Logger         *slog.Logger                  // nil: silent
	Practice       Practice
}

// Practice are faults to practise with. Which request meets which fault depends on Seed and on the request's number
// alone, so that a run can be repeated.
type Practice struct {
	Latency      time.Duration // before each answer
	Jitter       time.Duration // up to so much is added to it
	ErrorRate    float64       // share of requests answered 500
	ThrottleRate float64       // share of requests answered 429
	RetryAfter   time.Duration // what a 429 asks for, in whole seconds
	ShortRate    float64       // share of answers that miss their last item
	Seed         uint64
}

// The defaults of Config.
const (
	DefaultAddr          = "127.0.0.1:8000"
	DefaultModelVersion  = "hash-v1"
	DefaultMaxBodyBytes  = 16 << 20
	DefaultMaxItems      = 10_000
	DefaultMaxInFlight   = 64 << 20
	DefaultShutdownLimit = 10 * time.Second
	DefaultRetryAfter    = time.Second
)

func (c Config) withDefaults() Config {
	settings.Default(&c.Addr, DefaultAddr)
	settings.Default(&c.ModelVersion, DefaultModelVersion)
	settings.Default(&c.MaxBodyBytes, DefaultMaxBodyBytes)
	settings.Default(&c.MaxItems, DefaultMaxItems)
	settings.Default(&c.MaxInFlight, max(DefaultMaxInFlight, c.MaxBodyBytes))
	settings.Default(&c.ShutdownLimit, DefaultShutdownLimit)
	settings.Default(&c.Practice.RetryAfter, DefaultRetryAfter)
	if c.Categories == nil {
		c.Categories = transaction.DefaultCategories
	}
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	if c.TracerProvider == nil {
		c.TracerProvider = noop.NewTracerProvider()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every fault at once, with exit code 64.
func (c *Config) Validate() error {
	var faults settings.Faults
	complain := faults.Add
	_, _, err := net.SplitHostPort(c.Addr)
	complain(err != nil, "the address must be host:port, like %s", DefaultAddr)
	complain(strings.TrimSpace(c.ModelVersion) == "" || len(c.ModelVersion) > 100,
		"the model version must have 1 to 100 characters")
	complain(c.Rotate < 0 || c.Rotate >= c.Categories.Len(), "--rotate: categories can be rotated by 0 to %d places",
		c.Categories.Len()-1)
	complain(c.MaxBodyBytes < 0, "--max-body: the largest body must be at least 1 byte")
	complain(c.MaxInFlight < c.MaxBodyBytes, "--max-in-flight: the bytes in flight must be at least the largest body, %d",
		c.MaxBodyBytes)
	complain((c.CertFile == "") != (c.KeyFile == ""), "TLS wants both a certificate and its key")
	complain(c.MaxItems < 0, "--max-items: the longest array must be at least 1 item")
	complain(c.ShutdownLimit < 0, "--shutdown-limit: the time for shutting down must not be negative")
	p := &c.Practice
	complain(p.Latency < 0 || p.Jitter < 0 || p.RetryAfter < 0,
		"--latency, --jitter and --retry-after must not be negative")
	for _, r := range []struct {
		name string
		rate float64
	}{{"--error-rate: the error", p.ErrorRate}, {"--throttle-rate: the 429", p.ThrottleRate},
		{"--short-rate: the short answer", p.ShortRate}} {
		complain(!(r.rate >= 0 && r.rate <= 1), "%s rate must be from 0 to 1", r.name)
	}
	return faults.Err()
}
