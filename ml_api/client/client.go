// Package client asks the ML API for categories. It answers every transaction of a batch or fails with an exit code: an
// outage is waited out, an answer is checked before it is believed, and a refused batch is cut until the transactions
// that the API refuses are alone.
package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/go-resty/resty/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/authority"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
)

const scope = "github.com/txflow/txflow/ml_api/client"

// Client asks one ML API. It is safe for concurrent use.
type Client struct {
	cfg       Config
	where     string // the URL of the service, without what is secret
	predict   string // the URL of POST /predict, which may hold a secret
	health    string // the URL of GET /health, as well
	http      *resty.Client
	transport *http.Transport
	breaker   circuitbreaker.CircuitBreaker[any]
	limiter   *limiter
	tracer    trace.Tracer
	spanAttrs []attribute.KeyValue // the same on every span
	counts    counters
	blocked   blocked
	notice    notice
}

// New makes a client, or fails with exit code 64 and every fault of the configuration.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base := strings.TrimRight(cfg.URL.Reveal(), "/")
	transport := newTransport(cfg.MaxConcurrency)
	if cfg.CAFile != "" {
		pool, err := authority.Pool(cfg.CAFile)
		if err != nil {
			return nil, fault.Failf(fault.ExitUsage, "the ML API's certificate authority: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	c := &Client{
		cfg: cfg, where: cfg.URL.String(), predict: base + "/predict", health: base + "/health", transport: transport,
		http:    newHTTP(transport),
		limiter: newLimiter(cfg.MaxConcurrency),
		tracer:  cfg.TracerProvider.Tracer(scope),
		notice:  notice{after: time.Second, every: 30 * time.Second},
	}
	c.spanAttrs = spanAttributes(secret.NewURL(c.predict))
	c.breaker = newBreaker(cfg)
	return c, nil
}

// Predict asks for the categories of a batch. A nil error means that every transaction has its answer, a category or a
// refusal, in the order of the batch. The error's exit code is 75 when an outage lasted longer than the limit or when
// the service refuses too many rows, 69 when it can not be what was configured, 65 when another model answers than the
// one expected. A patient client waits for all of these but the last.
func (c *Client) Predict(ctx context.Context, transactions []transaction.Transaction) (prediction.Result, error) {
	if !c.cfg.Patient {
		return c.predictOnce(ctx, transactions)
	}
	for attempt := 1; ; attempt++ {
		result, err := c.probe(ctx, transactions, attempt)
		if err == nil && c.discarded(&result) {
			continue // it was refused in part while others found out that the service refuses everything
		}
		if err == nil || !repairable(err) {
			return result, err
		}
	}
}

func (c *Client) predictOnce(ctx context.Context, transactions []transaction.Transaction) (prediction.Result, error) {
	result := prediction.Result{Items: make([]prediction.Item, len(transactions))}
	if len(transactions) == 0 {
		return result, nil
	}
	if err := c.solve(ctx, transactions, result.Items, &result.Calls); err != nil {
		return prediction.Result{}, err
	}
	return result, nil
}

// Refusals is what the client counts refused rows by; nil for nothing.
func (c *Client) Refusals() *prediction.Refusals { return c.cfg.Refusals }

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// newTransport keeps as many connections alive as calls may be in flight: a new one a call would double its cost.
func newTransport(maxConcurrency int) *http.Transport {
	dialer := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        maxConcurrency,
		MaxIdleConnsPerHost: maxConcurrency,
		IdleConnTimeout:     60 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		DisableCompression:  true, // answers are read once, close by
		ReadBufferSize:      64 << 10,
	}
}

// newHTTP is resty without what would get in the way: its own retries, redirects, parsing and copies of the body.
func newHTTP(transport *http.Transport) *resty.Client {
	h := resty.NewWithClient(&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect is a wrong URL, and a POST after one would lose its body
	}})
	h.SetDoNotParseResponse(true)
	h.SetLogger(quiet{}) // the error has what goes wrong
	h.SetPreRequestHook(attachPayload)
	return h
}

// newBreaker opens when nearly all of the last calls failed, and then lets one probe through at a time.
func newBreaker(cfg Config) circuitbreaker.CircuitBreaker[any] {
	const failures, of = 9, 10
	return circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(failures, of).
		WithSuccessThreshold(1).
		WithDelay(cfg.BreakerDelay).WithJitterFactor(0.2).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			cfg.Logger.Warn("circuit breaker of the ML API", "from", e.OldState.String(), "to", e.NewState.String())
		}).Build()
}

type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Debugf(string, ...any) {}
