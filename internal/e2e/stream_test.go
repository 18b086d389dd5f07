package e2e

import (
	"bufio"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStream has live messages and business events arrive in ClickHouse, Prometheus answer each panel, and each service
// crash in turn; then every message of Kafka is in one place, also after the stack was stopped and started, with three
// members, and from a backup.
func TestStream(t *testing.T) {
	asked(t, false)
	s := start(t)
	batch := regexp.MustCompile("^(airflow-.*|postgres|docker-proxy)$")
	all := slices.DeleteFunc(s.services("all"), batch.MatchString)
	took := s.up(all...)
	t.Logf("all healthy after %s", took)
	s.took("up", took)
	s.phase("messages", func() {
		s.more(500, 0)
		s.traced("txflow-stream-classify", "txflow-ml-api")
		s.collects()
		s.observed()
		s.pages()
		s.compose("stop", "stream-produce")
		s.reconciled()
		s.everyCallIsTraced()
		s.up(all...)
	})
	s.phase("events", func() {
		s.collects()
		s.whileEventsAreSent(3000, func() { s.crashes("refine", "collect", "refine", "clickhouse", "collect") })
	})
	s.phase("crashes", func() {
		for _, name := range all {
			if s.containers()[name].healthy() { // the others ended, as they should
				s.crashes(name)
				s.more(200, s.count(stored))
			}
		}
		s.stopped()
	})
	s.phase("down and up", func() {
		rows, events := s.count(stored), s.count(gold)
		s.script("down")
		t.Logf("down and up: healthy again after %s", s.up(all...))
		s.more(200, rows)
		if now := s.count(gold); now != events {
			s.t.Errorf("gold has %d events, there were %d", now, events)
		}
		s.collects()
		s.stopped()
	})
	s.phase("scale", func() {
		s.script("scale", "3")
		s.up("stream-produce")
		s.more(200, s.count(stored))
		s.stopped()
	})
	s.phase("backup and restore", func() { s.restored(all) })
}

// crashes has services crash one after the other.
func (s *stack) crashes(services ...string) {
	s.t.Helper()
	for _, name := range services {
		took := s.crash(name)
		s.t.Logf("%s crashed, and was healthy again after %s", name, took)
		seen.note(name, func(r *ran) { r.again = append(r.again, took) })
	}
}

// stopped ends the live messages, and proves what became of all messages and events.
func (s *stack) stopped() {
	s.t.Helper()
	s.compose("stop", "stream-produce")
	s.reconciled()
	s.eventsReconciled()
}

// restored backs the stack up, removes all that it stored, and restores it: the same rows are there, and the stream
// goes on.
func (s *stack) restored(all []string) {
	s.t.Helper()
	folder, rows, events, began := filepath.Join(s.t.TempDir(), "backup"), s.count(stored), s.count(gold), time.Now()
	s.script("backup", folder)
	s.t.Logf("a backup took %s", time.Since(began).Round(time.Second))
	s.script("clean")
	s.script("restore", folder)
	s.up("clickhouse")
	if now := s.count(stored); now != rows {
		s.t.Errorf("%d rows are restored, there were %d", now, rows)
	}
	if now := s.count(gold); now != events {
		s.t.Errorf("%d events are restored, there were %d", now, events)
	}
	s.up(all...)
	s.more(200, rows)
	s.collects()
	s.stopped()
}

// looks has what only looks at the stack, and make rebuild without a new image, change nothing.
func (s *stack) looks() {
	s.t.Helper()
	s.unchanged(func() {
		status, urls := s.script("status"), s.script("urls")
		for name, c := range s.containers() {
			if line := regexp.MustCompile(`(?m)^` + name + ` .*`).FindString(status); line == "" ||
				c.healthy() != strings.Contains(line, "(healthy)") {
				s.t.Errorf("make status says of %s: %q", name, line)
			}
		}
		for _, port := range []string{"CLICKHOUSE", "UI", "COLLECT", "ML_API", "SCHEMA_REGISTRY", "S3"} {
			if !strings.Contains(urls, s.url(port, "")) {
				s.t.Errorf("make urls does not say %s:\n%s", s.url(port, ""), urls)
			}
		}
		s.follows("collect")
		s.script("restart")
	})
}

// follows has make logs print what a service says, until nobody reads it any more.
func (s *stack) follows(service string) {
	s.t.Helper()
	logs := s.command("../stack/stack", "logs", service)
	logs.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := logs.StdoutPipe()
	if err == nil {
		err = logs.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	stop := func() { _ = syscall.Kill(-logs.Process.Pid, syscall.SIGKILL) } // the script, and Compose
	guard := time.AfterFunc(time.Minute, stop)
	line, err := bufio.NewReader(said).ReadString('\n')
	guard.Stop()
	stop()
	_ = logs.Wait()
	if err != nil || !strings.HasPrefix(line, service+"-1 ") {
		s.t.Errorf("make logs says %q: %v", line, err)
	}
}

// TestEvents is make events: what senders and readers of business events need, and nothing else.
func TestEvents(t *testing.T) {
	asked(t, false)
	s := start(t)
	s.services("events")
	up := func() string {
		began := time.Now()
		took, _, _ := strings.Cut(s.script("up", "events"), "\n")
		s.took("make events", time.Since(began))
		return took
	}
	t.Log(up())
	s.phase("a package", func() {
		s.memory()
		s.collects()
		s.mysqlReads()
	})
	s.phase("looks", s.looks)
	s.phase("Kafka is for its clients", s.onlyClientsReachKafka)
	s.phase("crashes", func() {
		s.whileEventsAreSent(2000, func() { s.crashes("refine", "collect", "publish", "refine", "clickhouse", "collect") })
	})
	s.phase("a person is forgotten", s.forgets)
	s.phase("down and up", func() {
		events := s.count(gold)
		s.script("down")
		t.Log(up())
		if now := s.count(gold); now != events {
			s.t.Errorf("gold has %d events, there were %d", now, events)
		}
		s.collects()
		s.eventsReconciled()
	})
}
