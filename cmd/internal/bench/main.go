// Command bench measures txflow on this machine: each task and a whole run, with the ML API's own ceiling and a plain
// Python pipeline measured in the same run, or with -stream live transactions on a real Kafka, or with -refine live
// events, both with Kafka's own ceiling, or with -events the collector, or with -pages the pages of txflow ui. It
// writes docs/performance.md or docs/performance-PART.md. It is a tool of the repository, never a test.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

type options struct {
	txflow     string
	rows       int
	memoryRows int
	runs       int
	growth     int
	stream     bool
	refine     bool
	events     bool
	pages      bool
	stored     int
	messages   int
	ids        int
	out        string
}

func main() {
	var o options
	flag.StringVar(&o.txflow, "txflow", "bin/txflow", "the program to measure")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the file")
	flag.IntVar(&o.memoryRows, "memory-rows", 0, "rows of a second, larger file for the tasks' memory; 0 for none")
	flag.IntVar(&o.runs, "runs", 3, "whole runs; the median counts")
	flag.IntVar(&o.growth, "growth", 0, "rows that are stored before a run is measured again; 0 for none")
	flag.BoolVar(&o.stream, "stream", false, "measure the stream instead of batch")
	flag.BoolVar(&o.refine, "refine", false, "measure stream refine instead of batch")
	flag.BoolVar(&o.events, "events", false, "measure the collector of events instead of batch")
	flag.BoolVar(&o.pages, "pages", false, "measure the pages of txflow ui instead of batch")
	flag.IntVar(&o.stored, "stored", 10_000_000, "rows that are stored before pages are asked for")
	flag.IntVar(&o.messages, "messages", 1_000_000, "messages of the stream's backlog")
	flag.IntVar(&o.ids, "ids", 10_000_000, "ids of the windows that refine restores")
	flag.StringVar(&o.out, "out", "docs/performance.md", "the report")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, o options) (err error) {
	txflow, err := filepath.Abs(o.txflow)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(".", ".bench-")
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, os.RemoveAll(dir)) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	b := &bencher{txflow: txflow, dir: dir, rows: o.rows}
	if b.sink, err = startSink(ctx); err != nil {
		return err
	}
	defer func() { err = firstOf(err, b.stop()) }()
	part := batchBench
	if o.stream {
		part = streamBench
	} else if o.refine {
		part = refineBench
	}
	if o.events {
		part = func(ctx context.Context, _ options, b *bencher) (string, error) { return eventsBench(ctx, b) }
	}
	if o.pages {
		part = pagesBench
	}
	text, err := part(ctx, o, b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	fmt.Println(text)
	return os.WriteFile(o.out, []byte(text), 0o644)
}

// batchBench measures the tasks and a whole run.
func batchBench(ctx context.Context, o options, b *bencher) (string, error) {
	if err := b.startServices(ctx); err != nil {
		return "", err
	}
	r := &report{machine: thisMachine(), rows: o.rows}
	for _, step := range []func(context.Context, options, *report) error{b.wholeRuns, b.eachTask, b.ceiling, b.python,
		b.memory, b.growth} {
		if err := step(ctx, o, r); err != nil {
			return "", err
		}
	}
	r.spans = b.sink.requests.Load()
	return r.markdown(), nil
}

func firstOf(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
