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
	machine     string
	ours, hand  loads
	steady      loaded // packages at a fixed rate
	steadyOne   loaded // single events at a fixed rate
	memory      int64
	handMissing string
	delays      []delay // from an answer to a row
}

// loads are a collector's, as fast as it answers.
type loads struct{ packages, packagesOfMore, single, singleOfMore loaded }

// Fixed rates of events a second, at which the time of an answer is measured: half of the aims.
const steadyEvents, steadySingles = 50_000, 4_000

// How many connections send at once.
const (
	packageSenders, morePackageSenders = 16, 64
	singleSenders, moreSingleSenders   = 64, 128
)

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
	if r.ours, err = l.measured(ctx, many, one); err != nil {
		return err
	}
	l.size, l.connections, l.rate, l.took = packageOf, packageSenders, steadyEvents/packageOf, loadTime
	if r.steady, err = l.run(ctx, many); err != nil {
		return err
	}
	l.size, l.connections, l.rate = 1, singleSenders, steadySingles
	if r.steadyOne, err = l.run(ctx, one); err != nil {
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
func (l load) measured(ctx context.Context, many, single [][]byte) (out loads, err error) {
	l.size, l.connections, l.took = packageOf, packageSenders, warmTime
	if _, err = l.run(ctx, many); err != nil {
		return out, err
	}
	l.took = loadTime
	for _, part := range []struct {
		of                *loaded
		size, connections int
		bodies            [][]byte
	}{{&out.packages, packageOf, packageSenders, many}, {&out.packagesOfMore, packageOf, morePackageSenders, many},
		{&out.single, 1, singleSenders, single}, {&out.singleOfMore, 1, moreSingleSenders, single}} {
		l.size, l.connections = part.size, part.connections
		if *part.of, err = l.run(ctx, part.bodies); err != nil {
			return out, err
		}
	}
	return out, nil
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
	r.hand, err = l.measured(ctx, many, one)
	return err
}

func (l *loads) failed() int {
	return l.packages.failed + l.packagesOfMore.failed + l.single.failed + l.singleOfMore.failed
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
	rows := func(name string, of loads) {
		row(fmt.Sprintf("%s, packages of %d, %d connections", name, packageOf, packageSenders), of.packages)
		row(fmt.Sprintf("the same, %d connections", morePackageSenders), of.packagesOfMore)
		row(fmt.Sprintf("%s, single events, %d connections", name, singleSenders), of.single)
		row(fmt.Sprintf("the same, %d connections", moreSingleSenders), of.singleOfMore)
	}
	ours, hand := r.ours, r.hand
	rows("`txflow collect`", ours)
	row(fmt.Sprintf("packages sent at %s events/s, %d connections", display.Thousands(steadyEvents), packageSenders),
		r.steady)
	row(fmt.Sprintf("single events sent at %s/s, %d connections", display.Thousands(steadySingles), singleSenders),
		r.steadyOne)
	if r.handMissing != "" {
		fmt.Fprintf(&b, "\nThe collector of FastAPI did not run: %s\n", r.handMissing)
	} else {
		rows("FastAPI and kafka-python", hand)
		fmt.Fprintf(&b, "\nPackages of %d: %.1f and %.1f times the events of FastAPI with as many connections; single "+
			"events: %.1f and %.1f times. Requests that failed: %d of ours, %d of FastAPI's.\n", packageOf,
			ours.packages.events/hand.packages.events, ours.packagesOfMore.events/hand.packagesOfMore.events,
			ours.single.events/hand.single.events, ours.singleOfMore.events/hand.singleOfMore.events, ours.failed(),
			hand.failed())
	}
	fmt.Fprintf(&b, "\nThe three used %.1f and %.1f of %d processors with packages and %.1f and %.1f with single events: "+
		"what is missing to all of them was idle, or of other programs.\n", ours.packages.processors(),
		ours.packagesOfMore.processors(), runtime.NumCPU(), ours.single.processors(), ours.singleOfMore.processors())
	fmt.Fprintf(&b, "\n`txflow collect` takes %.1f µs of processor time for each event of a package, "+
		"and %.0f µs for one that comes alone, with the more connections; the broker takes %.1f and %.0f.\n",
		ours.packagesOfMore.each(ours.packagesOfMore.collector), ours.singleOfMore.each(ours.singleOfMore.collector),
		ours.packagesOfMore.each(ours.packagesOfMore.broker), ours.singleOfMore.each(ours.singleOfMore.broker))
	fmt.Fprintf(&b, "\n`txflow collect` used %s of memory at the most. "+
		"The collector of FastAPI is `cmd/internal/bench/collector.py`: %s.\n", megabytes(r.memory),
		strings.Join(collectorPackages, ", "))
	b.WriteString(delaysMarkdown(r.delays))
	return b.String()
}
