package docs

import (
	"context"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// serving is a service of a page that runs.
type serving struct {
	*terminal
	line string
}

// services starts commands that serve, a terminal each, until the end of the page, and runs the others between them.
func (r *run) services(at string, lines, shown []string) {
	for i, line := range lines {
		ready, serves := service(line)
		wanted := shown
		if i < len(lines)-1 {
			wanted = nil
		}
		if !serves {
			r.once(at, line, wanted)
			continue
		}
		platform := commandOf(line) == "txflow platform"
		if platform && r.started {
			continue // it takes seconds, and shows the same again
		}
		r.stop(func(s serving) bool {
			return commandOf(s.line) == commandOf(line) && !strings.Contains(line, "--instance")
		})
		p := r.start(r.exports + "exec " + line)
		holds := func(out string) bool { return ready.MatchString(out) && missing(r.usually(out), wanted) == "" }
		if ready == nil {
			holds = func(string) bool { return listens(r.here(line + " " + r.files[strings.TrimPrefix(line, "python3 ")])) }
		}
		if !p.until(holds) {
			p.Kill()
			r.t.Errorf("%s: it did not begin to serve, or does not show\n%s\n%s\n%s", at, strings.Join(wanted, "\n"), line,
				r.usually(p.output()))
			return
		}
		r.t.Logf("%s\n%s\n%s", at, line, r.usually(p.shown.String()))
		r.serving = append(r.serving, serving{p, line})
		if platform {
			r.started = true
		}
		r.stop(func(s serving) bool { // one platform serves all pages; what was sent is looked at when no more is sent
			return slices.Contains([]string{"txflow platform", "txflow stream produce"}, commandOf(s.line))
		})
	}
}

// commandOf is a line's command without flags and arguments.
func commandOf(line string) string {
	if of := regexp.MustCompile(`txflow(?: [a-z][a-z-]*)+`).FindString(line); of != "" {
		return of
	}
	return regexp.MustCompile(`\S+`).FindString(line)
}

var address = regexp.MustCompile(`127\.0\.0\.1"?[:,] ?\d+`)

// listens reports whether something listens at the first address in a text.
func listens(text string) bool {
	addr := strings.NewReplacer(`"`, "", ", ", ":").Replace(address.FindString(text))
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", addr)
	if err == nil {
		_ = c.Close() // it has served
	}
	return err == nil
}

// stop ends services as a reader does, with Ctrl-C. They end in good order.
func (r *run) stop(which func(serving) bool) {
	r.serving = slices.DeleteFunc(r.serving, func(s serving) bool {
		if !which(s) {
			return false
		}
		_, _ = s.screen.Write([]byte{3}) // if it has ended, the code tells
		select {
		case <-s.Ended:
		case <-time.After(patience):
			r.t.Errorf("Ctrl-C does not end %s\n%s", s.line, s.shown.String())
		}
		s.Kill()
		out := s.output()
		if code := s.Cmd.ProcessState.ExitCode(); strings.Contains(s.line, "txflow") &&
			!slices.Contains([]int{0, 75, 130}, code) {
			r.t.Errorf("after Ctrl-C, %s ends with %d\n%s", s.line, code, out)
		}
		return true
	})
}

// prepare does what a page takes for granted.
func (r *run) prepare() {
	if r.name != "docs/guides/dead-letters.md" {
		return
	}
	r.Env = append(r.Env, "TXFLOW_COLLECT_URL=http://"+r.usual["127.0.0.1:8001"])
	r.OK("events", "send", "--count", "50", "--invalid", "0.2")
	r.Until("the collector has refused events", func() bool {
		return r.Count("SELECT count() FROM dead_letters FINAL WHERE pipeline = 'events'") > 0
	})
	r.OK("stream", "produce", "poison.csv")
	r.Until("the model has refused a message", func() bool {
		return r.Count("SELECT count() FROM dead_letters FINAL WHERE code = 'prediction_refused'") > 0
	})
	r.API.Harm.Store(nil) // the cause is corrected
}

// write makes a file that a page shows.
func (r *run) write(name, text string) {
	r.files[name] = text
	harness.Must(r.t, os.WriteFile(r.Dir+"/"+name, []byte(r.here(text)), 0o600))
}
