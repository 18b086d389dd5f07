package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

// TestStream has live messages arrive in ClickHouse, Prometheus answer each panel, and each service crash in turn; then
// every message of Kafka is in one place, also after the stack was stopped and started.
func TestStream(t *testing.T) {
	asked(t, false)
	s := start(t)
	all := s.services("all")
	batch := regexp.MustCompile("^(airflow-.*|postgres|docker-proxy)$")
	all = slices.DeleteFunc(all, batch.MatchString)
	t.Logf("all healthy after %s", s.up(all...))
	s.more(500, 0)
	s.traced("txflow-stream-classify", "txflow-ml-api")
	s.observed()
	s.page("/stream", "transactions.raw")
	s.compose("stop", "stream-produce")
	s.reconciled()
	s.everyCallIsTraced()
	s.up(all...)

	for _, name := range all {
		if !s.containers()[name].healthy() {
			continue // it ended, as it should
		}
		took := s.crash(name)
		s.more(200, s.count(stored))
		t.Logf("%s crashed: healthy again after %s, and messages arrive", name, took)
	}
	s.compose("stop", "stream-produce")
	s.reconciled()
	rows := s.count(stored)

	s.script("down")
	t.Logf("down and up: healthy again after %s", s.up(all...))
	s.more(200, rows)
	s.compose("stop", "stream-produce")
	s.reconciled()

	s.script("scale", "3")
	s.up("stream-produce")
	s.more(200, s.count(stored))
	s.compose("stop", "stream-produce")
	s.reconciled()
	s.restored(all)
}

// restored backs the stack up, removes all that it stored, and restores it: the same rows are there, and the stream
// goes on.
func (s *stack) restored(all []string) {
	s.t.Helper()
	folder, rows, began := filepath.Join(s.t.TempDir(), "backup"), s.count(stored), time.Now()
	s.script("backup", folder)
	s.t.Logf("a backup took %s", time.Since(began).Round(time.Second))
	s.script("clean")
	s.script("restore", folder)
	s.up("clickhouse")
	if now := s.count(stored); now != rows {
		s.t.Errorf("%d rows are restored, there were %d", now, rows)
	}
	s.up(all...)
	s.more(200, rows)
	s.compose("stop", "stream-produce")
	s.reconciled()
}
