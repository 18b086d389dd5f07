package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// reportEnv names the file that a whole run without a failure writes: docs/reliability-stack.md.
const reportEnv = "TXFLOW_E2E_REPORT"

func TestMain(m *testing.M) {
	flag.Parse()
	began, code := time.Now(), m.Run()
	file, all := os.Getenv(reportEnv), flag.Lookup("test.run").Value.String() == ""
	if file != "" && all && code == 0 {
		if err := os.WriteFile(file, seen.page(time.Since(began)), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// seen is what all tests of a run saw.
var seen = report{services: map[string]*ran{}}

type report struct {
	mu       sync.Mutex
	services map[string]*ran
	lines    []string
	unproven []string
}

// ran is what ran of a service.
type ran struct {
	what  string  // an image of its own, or what stands in for it
	mebi  float64 // memory of the whole stack, idle; 0 where it does not run all the time
	again []time.Duration
}

func (r *report) service(name string) *ran {
	if r.services[name] == nil {
		r.services[name] = &ran{}
	}
	return r.services[name]
}

// note notes something of a service.
func (r *report) note(name string, do func(*ran)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(r.service(name))
}

// took notes how long a part of a test took.
func (s *stack) took(part string, d time.Duration) {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	test, _, _ := strings.Cut(s.t.Name(), "/")
	seen.lines = append(seen.lines, fmt.Sprintf("| `%s` | %s | %.0f s |", test, part, d.Seconds()))
}

// unprovenf logs and notes what this run does not prove, and why.
func (s *stack) unprovenf(format string, args ...any) {
	s.t.Helper()
	said := fmt.Sprintf(format, args...)
	s.t.Log("NOT PROVEN: " + said)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if !slices.Contains(seen.unproven, said) {
		seen.unproven = append(seen.unproven, said)
	}
}

const reportHead = `# What happens when things break: the Docker stack

Written by ` + "`make e2e`" + ` at commit %s on %d processors, in %.0f minutes, ` +
	`images built: docker-compose.yml, the file that users get, on a Docker
engine. A browser runs a file by Airflow's form; live messages and business events arrive; each service is killed, ` +
	`as the kernel does for want of
memory, and is started again by the engine; all is stopped and started, scaled, backed up, removed and restored. ` +
	`After each of these

- every message of Kafka and every row of files is in one ` +
	`place (` + "`txflow reconcile --stream`, `txflow events reconcile`" + `);
- every event that the collector accepted is among the events once, and each that it rejected is a dead letter;
- Jaeger has a span of every request that the ML API counted, where nothing was killed meanwhile;
- a second ` + "`make up`" + ` leaves each container as it was.

## What ran

Where an image cannot be pulled, the same software from a package registry runs in its place; what that is, and ` +
	`what it does not prove, is in
its line. *Memory* is that of the whole stack while it is idle.

| service | what ran | memory, MiB | kills | healthy again after, s |
| --- | --- | ---: | ---: | ---: |
`

// page is docs/reliability-stack.md.
func (r *report) page(took time.Duration) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	fmt.Fprintf(&b, reportHead, cmp.Or(os.Getenv("TXFLOW_E2E_VERSION"), "unknown"), runtime.NumCPU(), took.Minutes())
	sum := 0.
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		service := r.services[name]
		memory, kills, again := "", "", ""
		if service.mebi > 0 {
			memory = fmt.Sprintf("%.0f", service.mebi)
			sum += service.mebi
		}
		if n := len(service.again); n > 0 {
			kills, again = fmt.Sprint(n), fmt.Sprintf("%.0f", slices.Max(service.again).Seconds())
			if least := fmt.Sprintf("%.0f", slices.Min(service.again).Seconds()); least != again {
				again = least + " to " + again
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", name, service.what, memory, kills, again)
	}
	fmt.Fprintf(&b, "\nTogether %.0f MiB.\n\n## What was done\n\n| test | part | took |\n| --- | --- | ---: |\n%s\n", sum,
		strings.Join(r.lines, "\n"))
	if len(r.unproven) > 0 {
		fmt.Fprintf(&b, "\n## Not proven\n\n- %s\n", strings.Join(r.unproven, "\n- "))
	}
	return b.Bytes()
}
