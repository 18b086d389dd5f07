package client

import (
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/retry"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/settings"
	"github.com/txflow/txflow/internal/transaction"
)

// Config says whom to ask and how patiently. A zero field takes its default.
type Config struct {
	URL            secret.URL                    // of the service; /predict is added to it
	Tokens         *secret.Tokens                // the first is sent as bearer token; nil: none
	CAFile         string                        // certificates in PEM that may vouch for the service, beside the system's
	TracerProvider trace.TracerProvider          // nil: no traces
	Propagator     propagation.TextMapPropagator // of the trace in requests; nil: W3C trace context
	Logger         *slog.Logger                  // nil: silent
	Categories     *transaction.Categories       // that the service may answer; nil: the default ones
	ExpectModel    string                        // "": any model may answer
	CallTimeout    time.Duration                 // deadline of one HTTP call
	OutageLimit    time.Duration                 // how long a batch waits for the service to come back; < 0: not at all
	MaxAttempts    int                           // HTTP calls a batch at most; 0: as many as the outage limit allows
	BackoffBase    time.Duration                 // the first wait is at most this long; it doubles with each
	BackoffMax     time.Duration                 // no wait is longer, unless Retry-After asks for it
	RetryAfterMax  time.Duration                 // the longest wait that Retry-After can ask for
	BreakerDelay   time.Duration                 // how long the circuit breaker stays open before it probes
	MaxConcurrency int                           // calls in flight at most; the adaptive limit stays below it
	MaxBodyBytes   int                           // a larger batch is cut before it is sent
	Refusals       *prediction.Refusals          // counts refused rows, and may find the service out of order; nil: never
	Patient        bool                          // wait also for what an operator has to correct; Blocked says so
	Observe        func(Call)                    // is called after every HTTP call, from several goroutines; nil: nobody
}

// Call is one HTTP call as it went.
type Call struct {
	Outcome string // answered, fault, throttled, refused, misconfigured, wrong_model or cancelled
	Error   string // an HTTP status, timeout, bad_answer or the outcome; "" when it was answered
	Rows    int
	Took    time.Duration
}

// The defaults of Config.
const (
	DefaultCallTimeout    = 30 * time.Second
	DefaultOutageLimit    = 5 * time.Minute
	DefaultBackoffBase    = 100 * time.Millisecond
	DefaultBackoffMax     = 5 * time.Second
	DefaultRetryAfterMax  = time.Minute
	DefaultBreakerDelay   = time.Second
	DefaultMaxConcurrency = 16
	DefaultMaxBodyBytes   = 8 << 20
)

func (c Config) withDefaults() Config {
	settings.Default(&c.CallTimeout, DefaultCallTimeout)
	settings.Default(&c.OutageLimit, DefaultOutageLimit)
	settings.Default(&c.BackoffBase, DefaultBackoffBase)
	settings.Default(&c.BackoffMax, max(DefaultBackoffMax, c.BackoffBase))
	settings.Default(&c.RetryAfterMax, DefaultRetryAfterMax)
	settings.Default(&c.BreakerDelay, DefaultBreakerDelay)
	settings.Default(&c.MaxConcurrency, DefaultMaxConcurrency)
	settings.Default(&c.MaxBodyBytes, DefaultMaxBodyBytes)
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
	u, err := url.Parse(c.URL.Reveal())
	complain(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "",
		"the ML API's URL must be like http://127.0.0.1:8000")
	complain(err == nil && (u.RawQuery != "" || u.Fragment != ""), "the ML API's URL must have no query and no fragment")
	complain(c.CallTimeout < 0, "the call timeout must not be negative")
	complain(c.MaxAttempts < 0, "the number of attempts must not be negative")
	complain(c.BackoffBase < 0, "the first backoff must not be negative")
	complain(c.BackoffMax < c.BackoffBase, "the longest backoff must not be below the first (%s)", c.BackoffBase)
	complain(c.RetryAfterMax < 0, "the longest Retry-After must not be negative")
	complain(c.BreakerDelay < 0, "the breaker's delay must not be negative")
	complain(c.MaxConcurrency < 0, "the concurrency must be at least 1")
	complain(c.MaxBodyBytes < 0, "the largest body must be at least 1 byte")
	return faults.Err()
}

func (c *Config) backoff() retry.Policy {
	return retry.Policy{First: c.BackoffBase, Longest: c.BackoffMax}
}
