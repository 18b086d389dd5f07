// Package collect is the collector: an HTTP server that takes packages of events, writes each event to events.raw and
// each one that breaks a rule to the dead letters, and answers when the broker has acknowledged all of them.
package collect

import (
	"context"
	"log/slog"
	"net"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/httpserve"
	"github.com/txflow/txflow/internal/settings"
	"github.com/txflow/txflow/stream/pipeline"
)

// Publisher writes messages to Kafka.
type Publisher interface {
	// Publish waits until the broker has acknowledged or refused each record, or the context ends, and returns an error
	// for each. One with exit code 65 fails whenever it is tried again.
	Publish(ctx context.Context, records []pipeline.Record) []error
	// Check is an error when the broker does not answer or has not all of these topics.
	Check(ctx context.Context, topics ...string) error
}

// Copies keep what was refused a second time, outside of Kafka.
type Copies interface {
	// Keep stores an object; the name is a path that never repeats.
	Keep(ctx context.Context, name string, content []byte) error
}

// Config says how to serve. A zero field takes its default; Publisher and Schema are needed.
type Config struct {
	Addr              string // host:port; port 0 takes a free one
	CertFile, KeyFile string // in PEM; empty: no TLS
	Tokens            *Tokens
	Origins           []string // of web pages that may send; none: no CORS
	Publisher         Publisher
	Schema            *Schema
	Copies            Copies // nil: none
	Audit             *Audit // nil: none
	States            States // nil: GET /events/{id} is not served

	MaxBodyBytes  int64         // a longer body is answered 413
	MaxItems      int           // of a package; more are answered 413
	MaxEventBytes int           // a larger event is a dead letter
	MaxInFlight   int64         // bytes of bodies that are held at once; beyond, 429
	Rate          float64       // events a second of each token that has no rate of its own; 0: no limit
	AckTimeout    time.Duration // how long a broker is waited for; beyond, 503
	BodyTimeout   time.Duration // how long a body may take to arrive; beyond, 408
	ShutdownLimit time.Duration // how long requests in flight may take when the server stops

	TracerProvider trace.TracerProvider          // nil: no traces
	Propagator     propagation.TextMapPropagator // nil: W3C trace context
	Logger         *slog.Logger                  // nil: silent
	Now            func() time.Time              // nil: time.Now
}

// The defaults of Config.
const (
	DefaultAddr          = "127.0.0.1:8001"
	DefaultMaxBodyBytes  = 4 << 20
	DefaultMaxItems      = 10_000
	DefaultMaxEventBytes = 256 << 10
	DefaultMaxInFlight   = 32 << 20
	DefaultAckTimeout    = 10 * time.Second
	DefaultBodyTimeout   = 30 * time.Second
)

// Bounds of Config. A dead letter holds an event in Base64, and must be below what Kafka takes as a message, 1 MB.
const (
	mostEventBytes = 512 << 10
	mostBodyBytes  = 1 << 30
)

func (c Config) withDefaults() Config {
	settings.Default(&c.Addr, DefaultAddr)
	settings.Default(&c.MaxBodyBytes, DefaultMaxBodyBytes)
	settings.Default(&c.MaxItems, DefaultMaxItems)
	settings.Default(&c.MaxEventBytes, DefaultMaxEventBytes)
	settings.Default(&c.MaxInFlight, max(DefaultMaxInFlight, c.MaxBodyBytes))
	settings.Default(&c.AckTimeout, DefaultAckTimeout)
	settings.Default(&c.BodyTimeout, DefaultBodyTimeout)
	settings.Default(&c.ShutdownLimit, c.AckTimeout+5*time.Second)
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	if c.TracerProvider == nil {
		c.TracerProvider = noop.NewTracerProvider()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate reports every fault at once, with exit code 64.
func (c *Config) Validate() error {
	var faults settings.Faults
	complain := faults.Add
	_, _, err := net.SplitHostPort(c.Addr)
	complain(err != nil, "the address must be host:port, like %s", DefaultAddr)
	complain(err == nil && c.Tokens == nil && !httpserve.Loopback(c.Addr),
		"%s is beyond this machine: senders must have tokens there (--token-file)", c.Addr)
	complain((c.CertFile == "") != (c.KeyFile == ""), "TLS wants both a certificate and its key")
	complain(c.MaxBodyBytes < 1 || c.MaxBodyBytes > mostBodyBytes,
		"--max-body: the largest body must be from 1 to %d bytes",
		mostBodyBytes)
	complain(c.MaxInFlight < c.MaxBodyBytes, "--max-in-flight: the bytes in flight must be at least the largest body, %d",
		c.MaxBodyBytes)
	complain(c.MaxItems < 1, "--max-items: the longest package must be at least 1 event")
	complain(c.MaxEventBytes < 1 || c.MaxEventBytes > mostEventBytes,
		"--max-event: the largest event must be from 1 to %d bytes",
		mostEventBytes)
	complain(!(c.Rate >= 0 && c.Rate <= 1e9), "--rate: the rate must be a number of events a second, or 0 for no limit")
	complain(c.AckTimeout < time.Second || c.AckTimeout > time.Hour,
		"--ack-timeout: the time for Kafka must be from 1s to 1h")
	for _, origin := range c.Origins {
		complain(!validOrigin(origin), "%q is no origin of a web page, like https://shop.example", origin)
	}
	complain(c.BodyTimeout < 0 || c.ShutdownLimit < 0, "--body-timeout and --shutdown-limit must not be negative")
	return faults.Err()
}
