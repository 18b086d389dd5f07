package docs

import (
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// reasons are why a block may not be run: what it needs is not there in a test of commands.
var reasons = map[string]string{
	"Docker":         "make e2e and make test-images run these",
	"Airflow":        "the tests of dags run these",
	"builds":         "it builds or fetches what the tests themselves are made of",
	"your servers":   "it names servers or buckets of the reader's",
	"Jaeger":         "the tests of otel run these",
	"other machines": "it opens ports to the network",
	"your shell":     "it changes the reader's own shell",
	"MySQL":          "the embedded engine has no port for MySQL's clients",
}

// services are commands that run until they are stopped; each is ready when it has printed what is given here, and what
// the page shows, or, with nothing given, when it listens at the address in its line.
var services = []struct{ command, ready *regexp.Regexp }{
	{regexp.MustCompile(`txflow platform( --|$)`), regexp.MustCompile(`ready; Ctrl-C stops`)},
	{regexp.MustCompile(`txflow ui\b`), regexp.MustCompile(`ready; Ctrl-C stops`)},
	{regexp.MustCompile(`txflow ml-api( --|$)`), regexp.MustCompile(`serv`)},
	{regexp.MustCompile(`txflow collect\b`), regexp.MustCompile(`TXFLOW_COLLECT_ADDR=`)},
	{regexp.MustCompile(`txflow stream (classify|refine)\b(.*--print-rules)?`), regexp.MustCompile(`assigned`)},
	{regexp.MustCompile(`txflow stream produce\b`), regexp.MustCompile(`sent [1-9][0-9,]{2,}`)},
	{regexp.MustCompile(`txflow stream status.*--watch-addr`), nil},
	{regexp.MustCompile(`txflow stream status\b`), regexp.MustCompile(`lag`)},
	{regexp.MustCompile(`txflow events (publish|archive)\b`), regexp.MustCompile(`published|objects`)},
	{regexp.MustCompile(`python3 model.py`), nil},
}

// ends are flags with which a service's command ends by itself.
var ends = regexp.MustCompile(`--(once|count|print-rules|help)\b|\.csv\b`)

// service is the pattern that shows that a line of a page has begun to serve; false for a command that ends by itself.
func service(line string) (*regexp.Regexp, bool) {
	line, _, _ = strings.Cut(line, " # ")
	line = strings.TrimSpace(line)
	if ends.MatchString(line) || strings.ContainsAny(line, "|>") {
		return nil, false
	}
	for _, s := range services {
		if s.command.MatchString(line) {
			return s.ready, true
		}
	}
	return nil, false
}

// terminal is a command of a page on a terminal of 100 columns.
type terminal struct {
	*harness.Process
	shown  harness.Buffer
	screen *os.File
	read   chan struct{}
}

// start begins a script, without waiting for its end.
func (p *place) start(script string) *terminal {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", p.here(script))
	cmd.Dir, cmd.Env = p.Dir, p.env
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
	harness.Must(p.T, err)
	r := &terminal{Process: &harness.Process{Cmd: cmd, Ended: make(chan struct{})}, screen: screen,
		read: make(chan struct{})}
	go func() {
		_, _ = io.Copy(&r.shown, screen) // it ends with an error when the process does
		close(r.read)
	}()
	go func() {
		_ = cmd.Wait() // the exit code is asked for later
		close(r.Ended)
	}()
	p.T.Cleanup(r.Kill)
	return r
}

// output is all that it printed, once it has ended.
func (r *terminal) output() string {
	<-r.Ended
	select {
	case <-r.read:
	case <-time.After(time.Second): // a child of its still has the terminal
	}
	_ = r.screen.Close() // it is a terminal
	return r.shown.String()
}

// patience is how long a command may take. On a busy machine with the race detector, seconds become minutes.
const patience = 5 * time.Minute

// until waits as long as a command runs, and only so long, for what it prints.
func (r *terminal) until(holds func(string) bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if holds(r.shown.String()) {
			return true
		}
		select {
		case <-r.Ended:
			return holds(r.output())
		default:
		}
	}
	return false
}

// run is one page.
type run struct {
	*place
	t       *testing.T
	name    string
	exports string            // what the page has set so far
	files   map[string]string // that the page has shown
	serving []serving
	skip    map[string]int // commands that are not run, by reason
	count   int            // of those that are
}

// TestPages runs the commands of every page, on terminals, in a place that all pages share. Each must end as the page
// says, with what the page shows.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN with -short: it takes minutes")
	}
	p := newPlace(t)
	total, ran, skipped := 0, 0, map[string]int{}
	pages := readPages(t)
	for _, pg := range pages {
		start := time.Now()
		r := &run{place: p, t: t, name: pg.name, skip: map[string]int{}, files: map[string]string{}}
		t.Run(pg.name, func(t *testing.T) {
			r.t = t
			ran++
			r.page(pg)
		})
		total += r.count
		for why, n := range r.skip {
			skipped[why] += n
		}
		if r.count+len(r.skip) > 0 {
			t.Logf("%-40s %3d commands, %.1f s, not run: %v", pg.name, r.count, time.Since(start).Seconds(), r.skip)
		}
	}
	all := 0
	for _, why := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("not run for %s: %d commands (%s)", why, skipped[why], reasons[why])
		all += skipped[why]
	}
	t.Logf("%d commands were run, %d not", total, all)
	if total < leastCommands && ran == len(pages) && !t.Failed() { // -run may have chosen some
		t.Errorf("only %d commands were run", total)
	}
}

// leastCommands is how many commands the pages have that are run, roughly.
const leastCommands = 150

// readPages are the pages whose commands are run: those of a first hour, then the others.
func readPages(t *testing.T) (pages []page) {
	t.Helper()
	var names []string
	for _, pattern := range []string{"README.md", "docs/start/*.md", "docs/events.md", "docs/guides/*.md",
		"docs/concepts/*.md", "docs/troubleshooting/*.md", "docs/security.md"} {
		found, err := filepath.Glob(filepath.Join(harness.Repository, pattern))
		harness.Must(t, err)
		names = append(names, found...)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		harness.Must(t, err)
		short, err := filepath.Rel(harness.Repository, name)
		harness.Must(t, err)
		pg, err := parsePage(short, string(text))
		if err != nil {
			t.Error(err)
		}
		pages = append(pages, pg)
	}
	return pages
}

func (r *run) page(pg page) {
	defer r.stop(func(serving) bool { return true })
	r.prepare()
	for _, b := range pg.blocks {
		at := fmt.Sprintf("%s:%d", pg.name, b.line)
		switch lines := statements(b.text); {
		case b.file != "":
			r.write(b.file, b.text)
		case b.notRun != "":
			if reasons[b.notRun] == "" {
				r.t.Errorf("%s: %q is no reason that this test knows", at, b.notRun)
			}
			r.skip[b.notRun] += commands(lines)
		case slices.ContainsFunc(lines, func(line string) bool { _, is := service(line); return is }):
			r.count += commands(lines)
			r.services(at, lines, b.shown)
		default:
			r.count += commands(lines)
			r.once(at, b.text, b.shown)
		}
	}
}

// statements are the lines of a script, with those that go on joined.
func statements(script string) (lines []string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(script, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

var command = regexp.MustCompile(`\b(txflow |make |docker |curl |airflow |jq |python3 |openssl |mysql )`)

// commands is how many commands lines have, by the programs that they name; a line has one at least.
func commands(lines []string) (n int) {
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " # ")
		n += max(1, len(command.FindAllString(line, -1)))
	}
	return n
}

var exit = regexp.MustCompile(`(?m)^(.*\S)\s+# exit (\d+)(?:[:;,].*)?$`)

// expecting is a script whose lines may end as their comment says: # exit 65.
func expecting(script string) string {
	return exit.ReplaceAllString(script,
		`set +e; $1; code=$$?; set -e; [ "$$code" = $2 ] || { echo "exit $$code"; exit 1; }`)
}

// once runs commands that end by themselves, in one shell.
func (r *run) once(at, script string, shown []string) {
	start := time.Now()
	p := r.start(r.exports + expecting(script))
	select {
	case <-p.Ended:
	case <-time.After(patience):
		p.Kill()
		r.t.Errorf("%s does not end\n%s\n%s", at, script, p.output())
		return
	}
	out := r.usually(p.output())
	r.t.Logf("%s (%.1f s)\n%s\n%s", at, time.Since(start).Seconds(), script, out)
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("%s: exit %d\n%s\n%s", at, code, script, out)
	}
	if line := missing(out, shown); line != "" {
		r.t.Errorf("%s: there is no line like\n%s\nin the output of\n%s\n%s", at, line, script, out)
	}
	for line := range strings.SplitSeq(script, "\n") {
		if strings.HasPrefix(line, "export ") {
			r.exports += line + "\n"
		}
	}
}
