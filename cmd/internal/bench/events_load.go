package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	pace "golang.org/x/time/rate"

	"github.com/txflow/txflow/data"
)

// load is how packages are sent to a collector.
type load struct {
	url         string
	size        int // events of a package
	connections int
	rate        float64 // packages a second; 0: as fast as they are answered
	took        time.Duration
	collector   int // process ids
	broker      int
}

// loaded is what came of it.
type loaded struct {
	events   float64 // a second, acknowledged
	p50, p99 time.Duration
	failed   int
	// How many processors the load generator, the collector and the broker used.
	generator, collector, broker float64
}

// each is the processor time of an event in microseconds, of a process that used so many processors.
func (l *loaded) each(processors float64) float64 { return processors / l.events * 1e6 }

func (l *loaded) processors() float64 { return l.collector + l.broker + l.generator }

// bodies are requests with packages of generated events, in the form that both collectors take.
func bodies(size, different int, seed uint64) [][]byte {
	made := data.NewEvents(data.EventOptions{Seed: seed, Start: time.Now()})
	all := make([][]byte, different)
	for i := range all {
		b := []byte("[")
		for n := range size {
			if n > 0 {
				b = append(b, ',')
			}
			event, _ := made.Next()
			b = append(b, bytes.Replace([]byte(event), []byte(`"attributes":`), []byte(`"headers":`), 1)...)
		}
		all[i] = request(append(b, ']'))
	}
	return all
}

// run sends until its time is over.
func (l *load) run(ctx context.Context, packages [][]byte) (loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, l.took)
	defer cancel()
	limiter := pace.NewLimiter(pace.Inf, 1)
	if l.rate > 0 {
		limiter = pace.NewLimiter(pace.Limit(l.rate), l.connections)
	}
	var mu sync.Mutex
	var times []time.Duration
	var out loaded
	var first error
	cpu := [...]func() time.Duration{ownCPU, func() time.Duration { return processCPU(l.collector) },
		func() time.Duration { return processCPU(l.broker) }}
	var before [len(cpu)]time.Duration
	for i := range cpu {
		before[i] = cpu[i]()
	}
	started := time.Now()
	var workers sync.WaitGroup
	for w := range l.connections {
		workers.Go(func() {
			var mine []time.Duration
			to := newSender(l.url)
			defer to.close()
			for i := w; (l.rate == 0 || limiter.Wait(ctx) == nil) && ctx.Err() == nil; i += l.connections {
				sent := time.Now()
				_, err := to.post(packages[i%len(packages)], false)
				if err != nil {
					mu.Lock()
					out.failed++
					first = firstOf(first, err)
					mu.Unlock()
					continue
				}
				mine = append(mine, time.Since(sent))
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	workers.Wait()
	seconds := time.Since(started).Seconds()
	if len(times) == 0 {
		return out, fmt.Errorf("no package was taken: %w", first)
	}
	slices.Sort(times)
	out.events = float64(len(times)*l.size) / seconds
	out.p50, out.p99 = times[len(times)/2], times[len(times)*99/100]
	for i, used := range []*float64{&out.generator, &out.collector, &out.broker} {
		*used = (cpu[i]() - before[i]).Seconds() / seconds
	}
	return out, nil
}

// ownCPU is the processor time that this program has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
