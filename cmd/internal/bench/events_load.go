package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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
}

// loaded is what came of it.
type loaded struct {
	events    float64 // a second, acknowledged
	p50, p99  time.Duration
	failed    int
	generator float64 // processors that the load generator used itself
}

// bodies are packages of generated events, in the form that both collectors take.
func bodies(size int) [][]byte {
	const different = 200
	made := data.NewEvents(data.EventOptions{Seed: uint64(size), Start: time.Now()}) //nolint:gosec // a size
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
		all[i] = append(b, ']')
	}
	return all
}

// run sends until its time is over.
func (l *load) run(ctx context.Context, packages [][]byte) (loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, l.took)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: l.connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	limiter := pace.NewLimiter(pace.Inf, 1)
	if l.rate > 0 {
		limiter = pace.NewLimiter(pace.Limit(l.rate), l.connections)
	}
	var mu sync.Mutex
	var times []time.Duration
	var out loaded
	var first error
	before, started := ownCPU(), time.Now()
	var workers sync.WaitGroup
	for w := range l.connections {
		workers.Go(func() {
			var mine []time.Duration
			for i := w; limiter.Wait(ctx) == nil && ctx.Err() == nil; i += l.connections {
				sent := time.Now()
				err := l.post(client, packages[i%len(packages)])
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
	out.generator = (ownCPU() - before).Seconds() / seconds
	return out, nil
}

// post sends a package; what was begun is waited for.
func (l *load) post(client *http.Client, body []byte) error {
	r, err := http.NewRequest(http.MethodPost, l.url+"/collect", bytes.NewReader(body)) //nolint:noctx // see above
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := client.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		var answer json.RawMessage
		_ = json.NewDecoder(got.Body).Decode(&answer) // whatever it says
		return fmt.Errorf("status %d: %.300s", got.StatusCode, answer)
	}
	_, err = io.Copy(io.Discard, got.Body)
	return err
}

// ownCPU is the processor time that this program has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
