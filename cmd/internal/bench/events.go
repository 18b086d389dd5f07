package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/kafkaserver"
)

// collector.py is the collector that one would write by hand.
//
//go:embed collector.py
var handmade []byte

// collectorPackages are what it needs.
var collectorPackages = []string{"fastapi==0.165.0", "uvicorn==0.54.0", "kafka-python==3.0.12"}

// Loads of the collectors. The time of one is short: what counts is reached in seconds. But the broker's Java compiles
// for longer, which takes a third of its processor time at first.
const (
	loadTime  = 10 * time.Second
	warmTime  = 12 * time.Second
	packageOf = 100
	different = 200 // packages; then they come again
)

// eventsReport is what was measured of the collectors.
type eventsReport struct {
	machine       string
	packages, one loaded // as fast as it goes
	half          loaded // packages at half that rate
	memory        int64
	hand, handOne loaded
	handMissing   string
	delays        []delay // from an answer to a row
}

// eventsBench measures txflow collect on a real Kafka, beside a collector of FastAPI and kafka-python on the same.
func eventsBench(ctx context.Context, b *bencher) (string, error) {
	lib, err := kafkaserver.Fetch(ctx, os.Stderr)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, "kafka")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	say("starting Kafka")
	broker, err := kafkaserver.Start(ctx, lib, dir, nil)
	if err != nil {
		return "", err
	}
	defer broker.Stop()
	b.brokers = broker.Addr()
	if _, err := b.time(ctx, "topics", "apply"); err != nil {
		return "", err
	}
	r := &eventsReport{machine: thisMachine()}
	if r.delays, err = b.goldDelays(ctx); err != nil {
		return "", err
	}
	if err := b.collectors(ctx, r, broker.PID()); err != nil {
		return "", err
	}
	return r.markdown(), nil
}

// serveCollector starts txflow collect.
func (b *bencher) serveCollector(ctx context.Context) (*service, string, error) {
	return b.serve(ctx, "/ready", func(addr string) []string {
		return []string{"collect", "--addr", addr, "--schema-id", "1", "--clickhouse-url", ""}
	})
}

func (b *bencher) collectors(ctx context.Context, r *eventsReport, broker int) error {
	many, one := bodies(packageOf, different, packageOf), bodies(1, different, 1)
	collector, url, err := b.serveCollector(ctx)
	if err != nil {
		return err
	}
	say("txflow collect")
	l := load{url: url, collector: collector.cmd.Process.Pid, broker: broker}
	if r.packages, r.one, err = l.measured(ctx, many, one); err != nil {
		return err
	}
	l.size, l.connections, l.rate, l.took = packageOf, 16, r.packages.events/packageOf/2, loadTime
	if r.half, err = l.run(ctx, many); err != nil {
		return err
	}
	u, err := collector.end()
	if err != nil {
		return err
	}
	r.memory = u.memory
	return b.handmade(ctx, r, many, one, broker)
}

// measured sends packages and single events as fast as they are answered.
func (l load) measured(ctx context.Context, many, single [][]byte) (packages, one loaded, err error) {
	l.size, l.connections, l.took = packageOf, 16, warmTime
	if _, err = l.run(ctx, many); err != nil {
		return packages, one, err
	}
	l.took = loadTime
	if packages, err = l.run(ctx, many); err != nil {
		return packages, one, err
	}
	l.size, l.connections = 1, 64
	one, err = l.run(ctx, single)
	return packages, one, err
}

// handmade measures the collector of FastAPI.
func (b *bencher) handmade(ctx context.Context, r *eventsReport, many, one [][]byte, broker int) error {
	interpreter, err := environment(ctx, "bench-collector", collectorPackages)
	if err != nil {
		say("######## THE COLLECTOR OF FASTAPI DID NOT RUN: %v ########", err)
		r.handMissing = err.Error()
		return nil
	}
	script := filepath.Join(b.dir, "collector.py")
	if err := os.WriteFile(script, handmade, 0o600); err != nil {
		return err
	}
	addr, err := kafkaserver.FreeAddr(ctx)
	if err != nil {
		return err
	}
	cmd := b.command(ctx, interpreter, script, addr[strings.LastIndexByte(addr, ':')+1:])
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	}()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(100 * time.Millisecond) {
		resp, err := http.Get("http://" + addr + "/health")
		if err == nil {
			_ = resp.Body.Close() // nothing is read
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the collector of FastAPI does not answer: %w", err)
		}
	}
	say("FastAPI and kafka-python")
	l := load{url: "http://" + addr, collector: cmd.Process.Pid, broker: broker}
	r.hand, r.handOne, err = l.measured(ctx, many, one)
	return err
}

func (r *eventsReport) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<!-- Written by make bench; do not edit. -->
# Performance of the collector

Measured at %s on %s. Kafka 4.1 (one node), the collector and the load generator share the processors, of which the last
three columns say how many each used. Every event was acknowledged by the broker before its package was answered.

| | events/s | p50 | p99 | collector | broker | load generator |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
`, commit(), r.machine)
	row := func(name string, l loaded) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f | %.2f | %.2f |\n", name, display.Thousands(int64(l.events)),
			l.p50.Round(100*time.Microsecond), l.p99.Round(100*time.Microsecond), l.collector, l.broker, l.generator)
	}
	row("`txflow collect`, packages of 100, 16 connections", r.packages)
	row("the same at half that rate", r.half)
	row("`txflow collect`, single events, 64 connections", r.one)
	if r.handMissing != "" {
		fmt.Fprintf(&b, "\nThe collector of FastAPI did not run: %s\n", r.handMissing)
	} else {
		row("FastAPI and kafka-python, packages of 100", r.hand)
		row("FastAPI and kafka-python, single events", r.handOne)
		fmt.Fprintf(&b, "\nPackages of 100: %.1f times the events of FastAPI; single events: %.1f times. "+
			"Packages that were not taken: %d and %d of ours, %d and %d of FastAPI's.\n",
			r.packages.events/r.hand.events, r.one.events/r.handOne.events, r.packages.failed, r.one.failed, r.hand.failed,
			r.handOne.failed)
	}
	fmt.Fprintf(&b, "\nThe three used %.1f of %d processors with packages and %.1f with single events: what is missing "+
		"to all of them was idle, or of other programs.\n", r.packages.processors(), runtime.NumCPU(), r.one.processors())
	fmt.Fprintf(&b, "\n`txflow collect` takes %.1f µs of processor time for each event of a package, "+
		"and %.0f µs for one that "+
		"comes alone; the broker takes %.1f and %.0f.\n", r.packages.each(r.packages.collector), r.one.each(r.one.collector),
		r.packages.each(r.packages.broker), r.one.each(r.one.broker))
	fmt.Fprintf(&b, "\n`txflow collect` used %s of memory at the most. "+
		"The collector of FastAPI is `cmd/internal/bench/collector.py`: %s.\n", megabytes(r.memory),
		strings.Join(collectorPackages, ", "))
	b.WriteString(delaysMarkdown(r.delays))
	return b.String()
}
