package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/txflow/txflow/internal/kafkaserver"
)

// bencher has the services that everything runs against, all on this machine's cores.
type bencher struct {
	txflow     string
	dir        string
	rows       int
	clickhouse string
	database   string
	mlAPI      string
	brokers    string
	services   []*service
	sink       *sink
}

// service is a process that runs until it is stopped.
type service struct {
	cmd   *exec.Cmd
	log   string // the file that it writes to
	ended bool
}

// sink takes traces as a collector does, and discards them.
type sink struct {
	server   *http.Server
	url      string
	requests atomic.Int64
}

func startSink(ctx context.Context) (*sink, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + l.Addr().String()}
	s.server = &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a sender that disconnected does not matter to a bench
			s.requests.Add(1)
			w.Header().Set("Content-Type", "application/x-protobuf")
		})}
	go s.server.Serve(l) //nolint:errcheck // it ends when it is closed
	return s, nil
}

func (b *bencher) startServices(ctx context.Context) error {
	say("starting ClickHouse's engine and the ML API")
	if err := b.startClickHouse(ctx); err != nil {
		return err
	}
	return b.startMLAPI(ctx)
}

func (b *bencher) startClickHouse(ctx context.Context) (err error) {
	_, b.clickhouse, err = b.serve(ctx, "/ping", func(addr string) []string {
		return []string{"platform", "--data", filepath.Join(b.dir, "platform"), "--clickhouse-addr", addr, "--kafka-addr", "",
			"--registry-addr", ""}
	})
	return err
}

func (b *bencher) startMLAPI(ctx context.Context) (err error) {
	_, b.mlAPI, err = b.serve(ctx, "/health", func(addr string) []string { return []string{"ml-api", "--addr", addr} })
	return err
}

// serve starts a service on a free port and waits until it answers.
func (b *bencher) serve(ctx context.Context, health string, args func(addr string) []string) (*service, string, error) {
	addr, err := kafkaserver.FreeAddr(ctx)
	if err != nil {
		return nil, "", err
	}
	cmd := b.command(ctx, b.txflow, args(addr)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	log, err := os.CreateTemp(b.dir, args(addr)[0]+"-*.log")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	s := &service{cmd: cmd, log: log.Name()}
	b.services = append(b.services, s)
	url := "http://" + addr
	for deadline := time.Now().Add(30 * time.Second); ; {
		resp, err := http.Get(url + health)
		if err == nil {
			_ = resp.Body.Close() // nothing is read
			if resp.StatusCode == http.StatusOK {
				return s, url, nil
			}
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.log) // that it does not answer counts
			return nil, "", fmt.Errorf("%s does not answer:\n%s", cmd.Args[1], said)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// command runs in the bench's folder, with everything switched on that a user would have.
func (b *bencher) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+b.sink.url, "ML_API_URL="+b.mlAPI,
		"CLICKHOUSE_URL="+b.clickhouse+"?database="+b.database, "TXFLOW_OUT="+filepath.Join(b.dir, "out"),
		"TXFLOW_SOURCE=bench", "TXFLOW_TEMP_DIR="+b.dir, "TMPDIR="+b.dir)
	if b.brokers != "" { // an empty name is refused
		cmd.Env = append(cmd.Env, "KAFKA_BROKERS="+b.brokers)
	}
	return cmd
}

func (b *bencher) stop() error {
	var errs []error
	for _, s := range slices.Backward(b.services) {
		if !s.ended {
			errs = append(errs, s.cmd.Process.Signal(syscall.SIGTERM))
			_ = s.wait() // its exit code adds nothing
		}
	}
	if b.sink != nil {
		errs = append(errs, b.sink.server.Close())
	}
	return errors.Join(errs...)
}

// freshDatabase makes a database for the next measurement and drops the last: what is stored already, and is merged
// still, would be measured too.
func (b *bencher) freshDatabase(ctx context.Context, name string) error {
	if b.database != "" {
		if _, err := b.query(ctx, "DROP DATABASE "+b.database+" SYNC"); err != nil {
			return fmt.Errorf("drop the database %s: %w", b.database, err)
		}
	}
	b.database = name
	_, err := b.time(ctx, "migrate")
	return err
}

// used is what one command took.
type used struct {
	took   time.Duration
	memory int64 // bytes resident at the most
	cpu    time.Duration
}

// time runs a txflow command to its end.
func (b *bencher) time(ctx context.Context, args ...string) (used, error) {
	cmd := b.command(ctx, b.txflow, args...)
	stderr, err := os.CreateTemp(b.dir, "stderr-")
	if err != nil {
		return used{}, err
	}
	cmd.Stderr = stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(stderr.Name()) // the command's own failure counts
		return used{}, fmt.Errorf("txflow %v: %w\n%s", args, err, said)
	}
	u := usedBy(cmd.ProcessState)
	u.took = time.Since(start)
	return u, nil
}

func usedBy(p *os.ProcessState) used {
	u := used{cpu: p.UserTime() + p.SystemTime()}
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		u.memory = maxRSS(usage)
	}
	return u
}
