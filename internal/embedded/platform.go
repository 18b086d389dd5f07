// Package embedded is the local platform: ClickHouse's engine behind its HTTP interface, Kafka and a Schema Registry,
// all in this process over one data folder. It serves demo, dev, tests and `txflow platform`; services never link it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/httpserve"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/txflow/txflow/internal/embedded/engine"
	"github.com/txflow/txflow/internal/embedded/front"
	"github.com/txflow/txflow/internal/sameorigin"
)

// Config says what to start. An empty address leaves that part out; a port of 0 takes a free one.
type Config struct {
	Dir            string // everything is stored below
	ClickHouseAddr string
	KafkaAddr      string
	RegistryAddr   string
	Password       string // of ClickHouse; must be set to listen beyond this machine
	Log            *slog.Logger
	// Prepare makes what callers need, once all parts run; until it is through, ClickHouse's /ping answers 503. It may be
	// nil.
	Prepare func(context.Context, *Platform) error
	// Routes answer at ClickHouse's address, by path, before ClickHouse does.
	Routes   map[string]http.Handler
	Progress io.Writer // for the engine's download; nil is silent
}

// Connections to the engine: those that wait for statements, and how many statements run at once.
const (
	idleConnections = 8
	mostConnections = 32
)

// Platform is what runs.
type Platform struct {
	engine     *engine.Engine
	front      *front.Handler
	server     *http.Server
	listener   net.Listener
	served     chan error
	kafka      *kfake.Cluster
	kafkaMoved bool
	registry   *registry
	unlock     func()
}

// Start opens the folder and starts the parts. Errors carry exit code 69: a folder that another process owns, a port
// that is taken, an engine that can not be fetched.
func Start(ctx context.Context, cfg Config) (_ *Platform, err error) {
	if cfg.Progress == nil {
		cfg.Progress = io.Discard
	}
	lib, err := EnsureEngine(ctx, cfg.Progress)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fault.Fail(fault.ExitUnavailable, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Fail(fault.ExitUnavailable, err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // a folder; older versions made it readable for others
		return nil, fault.Fail(fault.ExitUnavailable, err)
	}
	p := &Platform{}
	if p.unlock, err = lockFolder(filepath.Join(dir, "LOCK"), dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if cfg.KafkaAddr != "" { // before ClickHouse, whose Kafka tables look for it at once
		if err := p.startKafka(cfg, filepath.Join(dir, "kafka")); err != nil {
			return nil, err
		}
		if err := forgetAll(ctx, p.KafkaAddr()); err != nil {
			return nil, fault.Fail(fault.ExitUnavailable, err)
		}
	}
	if err := p.startClickHouse(ctx, cfg, lib, filepath.Join(dir, "clickhouse")); err != nil {
		return nil, err
	}
	if cfg.RegistryAddr != "" {
		if p.registry, err = startRegistry(ctx, cfg.RegistryAddr, filepath.Join(dir, "registry")); err != nil {
			return nil, err
		}
	}
	if cfg.Prepare != nil {
		if err := cfg.Prepare(ctx, p); err != nil {
			return nil, err
		}
		p.front.Preparing(false)
	}
	return p, nil
}

func (p *Platform) startClickHouse(ctx context.Context, cfg Config, lib, dir string) error {
	if cfg.Password == "" && !httpserve.Loopback(cfg.ClickHouseAddr) {
		return fault.WithHint(fault.Failf(fault.ExitUsage,
			"ClickHouse has no password and listens on 127.0.0.1 only, not on %s", cfg.ClickHouseAddr),
			"set TXFLOW_PLATFORM_PASSWORD")
	}
	var err error
	if p.listener, err = listen(ctx, "ClickHouse", cfg.ClickHouseAddr); err != nil {
		return err
	}
	args, err := confineEngine(filepath.Join(filepath.Dir(dir), "engine-access"), dir, lib)
	if err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	if p.engine, err = engine.Open(lib, dir, idleConnections, mostConnections, args...); err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	p.front = front.New(p.engine, cfg.Password)
	p.front.Preparing(cfg.Prepare != nil)
	p.server = webServer(sameorigin.Handler(routed(cfg.Routes, p.front)))
	if cfg.Log != nil {
		p.server.ErrorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn)
	}
	p.served = make(chan error, 1)
	go func() { p.served <- p.server.Serve(p.listener) }()
	return nil
}

// routed answers some paths by handlers of their own.
func routed(routes map[string]http.Handler, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := routes[r.URL.Path]; ok {
			h.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

func (p *Platform) startKafka(cfg Config, dir string) error {
	host, text, err := net.SplitHostPort(cfg.KafkaAddr)
	if err != nil {
		return fault.Failf(fault.ExitUsage, "the address for Kafka: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fault.Failf(fault.ExitUsage, "the port for Kafka: %w", err)
	}
	if host != "127.0.0.1" && host != "localhost" {
		return fault.Failf(fault.ExitUsage, "the embedded Kafka listens on 127.0.0.1 only, not on %s", host)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	// ClickHouse remembers Kafka's address, so a free port is the one of last time, if it still is free.
	note := filepath.Join(filepath.Dir(dir), "kafka-port")
	last, err := os.ReadFile(note)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	if before, err := strconv.Atoi(string(last)); err == nil && port == 0 {
		p.kafka, _ = newKafka(before, dir) // where it is taken, another will do
	}
	if p.kafka == nil {
		if p.kafka, err = newKafka(port, dir); err != nil {
			return portTaken("Kafka", cfg.KafkaAddr, err)
		}
	}
	_, now, err := net.SplitHostPort(p.KafkaAddr())
	if err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	p.kafkaMoved = now != string(last)
	if p.kafkaMoved {
		err = os.WriteFile(note, []byte(now), 0o600)
	}
	return fault.Fail(fault.ExitUnavailable, err)
}

// newKafka starts the broker. It keeps the producers' times whatever a topic's message.timestamp.type is, which makes
// no difference: all that write to it are on this machine, and have its clock.
func newKafka(port int, dir string) (*kfake.Cluster, error) {
	return kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.ListenFn(listenLimited),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
}

// KafkaMoved reports whether Kafka has another address than when the folder was open last.
func (p *Platform) KafkaMoved() bool { return p.kafkaMoved }

// ClickHouseURL is where ClickHouse answers.
func (p *Platform) ClickHouseURL() string { return "http://" + p.listener.Addr().String() }

// KafkaAddr is the broker's address, "" without Kafka.
func (p *Platform) KafkaAddr() string {
	if p.kafka == nil {
		return ""
	}
	return p.kafka.ListenAddrs()[0]
}

// RegistryURL is where the Schema Registry answers, "" without one.
func (p *Platform) RegistryURL() string {
	if p.registry == nil {
		return ""
	}
	return p.registry.url
}

// How long Close waits for requests to end by themselves, and for the engine when they have been cancelled.
const (
	requestPatience = 2 * time.Second
	closePatience   = 5 * time.Second
)

// Close lets the requests that run end, cancels what is left, and stops all parts, within a few seconds. Where a
// statement does not end even so, the error is engine.ErrBusy and the process must end: what was stored is safe.
func (p *Platform) Close() error {
	var errs []error
	if p.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
		defer cancel()
		if err := p.server.Shutdown(ctx); err != nil {
			errs = append(errs, p.server.Close())
		}
		<-p.served //nolint:errcheck // it ended because it was stopped
	} else if p.listener != nil {
		errs = append(errs, p.listener.Close())
	}
	if p.engine != nil {
		err := p.engine.Close(closePatience)
		if errors.Is(err, engine.ErrBusy) {
			err = fault.WithHint(fault.Fail(fault.ExitTryAgain, err), "what was stored is safe; start the platform again")
		}
		errs = append(errs, err)
	}
	if p.kafka != nil {
		p.kafka.Close()
	}
	if p.registry != nil {
		errs = append(errs, p.registry.close())
	}
	if p.unlock != nil {
		p.unlock()
	}
	return errors.Join(errs...)
}

// webServer waits for no client for good.
func webServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
}

func listen(ctx context.Context, part, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	return l, portTaken(part, addr, err)
}

func portTaken(part, addr string, err error) error {
	if err == nil {
		return nil
	}
	return fault.WithHint(fault.Fail(fault.ExitUnavailable, fmt.Errorf("%s can not listen on %s: %w", part, addr, err)),
		"is another one running there? txflow platform takes other addresses")
}
