// Package telemetry makes the tracer provider of a process from the standard OTEL_* variables. Tracing never costs data
// or stalls work: spans wait in a bounded queue and are dropped when the collector is unavailable.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Config is what the process itself knows; the rest comes from the OTEL_* variables, which win.
type Config struct {
	Service         string // service.name unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise
	Version         string // service.version
	Attributes      []attribute.KeyValue
	Links           int           // how many links a span may have; 0 is the SDK's 128
	Queue           int           // spans waiting for export; 0 is 8192
	ShutdownTimeout time.Duration // bounds Shutdown; 0 is 2 s
	Log             *slog.Logger  // logs once when spans are lost; nil logs nothing
}

// Telemetry is a process's tracing.
type Telemetry struct {
	provider   trace.TracerProvider
	sdk        *sdktrace.TracerProvider // nil when the SDK is disabled
	propagator propagation.TextMapPropagator
	export     *exporter // nil when nothing is exported
	timeout    time.Duration
	log        *slog.Logger
}

// Setup makes the providers; it sets no globals and waits for no collector. Without an endpoint in the environment
// spans have ids, for lineage, and go nowhere. Errors are about the variables' values.
func Setup(ctx context.Context, cfg Config) (*Telemetry, error) {
	t := &Telemetry{timeout: cfg.ShutdownTimeout, log: cfg.Log}
	if t.timeout <= 0 {
		t.timeout = 2 * time.Second
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if t.propagator, err = propagators(os.Getenv("OTEL_PROPAGATORS")); err != nil {
		return nil, err
	}
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		t.provider = noop.NewTracerProvider()
		return t, nil
	}
	options, err := t.options(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t.sdk = sdktrace.NewTracerProvider(options...)
	t.provider = t.sdk
	return t, nil
}

func (t *Telemetry) options(ctx context.Context, cfg Config) ([]sdktrace.TracerProviderOption, error) {
	attributes := append([]attribute.KeyValue{attribute.String("service.name", cfg.Service)}, cfg.Attributes...)
	if cfg.Version != "" {
		attributes = append(attributes, attribute.String("service.version", cfg.Version))
	}
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(attributes...),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)} // the SDK reads OTEL_TRACES_SAMPLER itself
	if limits := sdktrace.NewSpanLimits(); cfg.Links > limits.LinkCountLimit && limits.LinkCountLimit >= 0 &&
		os.Getenv("OTEL_SPAN_LINK_COUNT_LIMIT") == "" {
		limits.LinkCountLimit = cfg.Links
		options = append(options, sdktrace.WithRawSpanLimits(limits))
	}
	to, err := newOTLP(ctx)
	if err != nil || to == nil {
		return options, err
	}
	t.export = newExporter(to, t.log)
	var queue []sdktrace.BatchSpanProcessorOption
	if os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE") == "" {
		if cfg.Queue <= 0 {
			cfg.Queue = 8192
		}
		queue = append(queue, sdktrace.WithMaxQueueSize(cfg.Queue))
	}
	return append(options, sdktrace.WithSpanProcessor(&t.export.ended), sdktrace.WithBatcher(t.export, queue...)), nil
}

// TracerProvider is what libraries are given.
func (t *Telemetry) TracerProvider() trace.TracerProvider { return t.provider }

// Tracer returns a tracer of that name.
func (t *Telemetry) Tracer(name string) trace.Tracer { return t.provider.Tracer(name) }

// Propagator carries the W3C trace context and baggage, or what OTEL_PROPAGATORS names.
func (t *Telemetry) Propagator() propagation.TextMapPropagator { return t.propagator }

// Shutdown sends what is queued and ends everything, within the timeout; what could not be sent by then is dropped and
// counted in one warning. It never fails the work that was traced.
func (t *Telemetry) Shutdown(ctx context.Context) {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.timeout)
	defer cancel()
	if t.export != nil {
		defer context.AfterFunc(ctx, t.export.kill)()
	}
	err := t.sdk.Shutdown(ctx)
	if t.export != nil {
		t.export.kill()
		t.export.wait()
		t.export.report(err)
	}
}
