package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestWhole, the core, starts all that make up does, sends a file through Airflow while live messages and business
// events arrive, crashes a service of each kind, and stops and starts all.
func TestWhole(t *testing.T) {
	asked(t, true)
	s := start(t)
	all := s.services("all")
	s.phase("up", func() {
		s.t.Logf("all healthy after %s", s.up(all...))
		if used := s.memory(); used > 4<<10 {
			s.t.Errorf("the stack takes %.0f MiB", used)
		}
		s.unchanged(func() { s.t.Logf("a second up took %s", s.up(all...)) })
	})
	s.phase("refusals", func() {
		s.refuses()
		s.proxyRefuses()
		s.onlyClientsReachKafka()
	})
	s.phase("messages, events and a file", func() {
		s.more(500, 0)
		s.collects()
		s.trigger()
		s.ledger()
		s.page("/runs", "transactions_batch.")
		s.rolledUp()
		s.stopped()
		s.traced("airflow", "txflow-validate", "txflow-classify", "txflow-load", "txflow-stream-classify", "txflow-ml-api",
			"txflow-collect")
		s.everyCallIsTraced()
	})
	s.phase("crashes", func() {
		s.up("stream-produce")
		s.whileEventsAreSent(2000, func() { s.crashes("collect", "refine", "stream-classify", "clickhouse") })
		s.more(200, s.count(stored))
		s.stopped()
	})
	s.phase("down and up", func() {
		rows, events, runs := s.count(stored), s.count(gold), s.runs()
		s.script("down")
		s.t.Logf("all healthy again after %s", s.up(all...))
		if now := s.count(gold); now != events {
			s.t.Errorf("gold has %d events, there were %d", now, events)
		}
		if now := s.runs(); now != runs {
			s.t.Errorf("Airflow knows %d runs, there were %d", now, runs)
		}
		s.more(200, rows)
		s.stopped()
	})
}

// trigger sends the sample through the DAG, as make trigger does.
func (s *stack) trigger() {
	s.t.Helper()
	began := time.Now()
	if said := s.script("trigger", "data/transactions.csv"); !strings.HasSuffix(said, "success") {
		s.t.Fatalf("the run: %s", said)
	}
	s.t.Logf("the DAG on 10,000 rows took %s", time.Since(began).Round(time.Second))
	if left := s.run("docker", "ps", "--all", "--quiet", "--filter", "label=txflow.dag_id"); left != "" {
		s.t.Errorf("containers of tasks are left: %s", left)
	}
}

// ledger has each row of the file in one place.
func (s *stack) ledger() {
	s.t.Helper()
	const where = " WHERE pipeline = 'batch'"
	if in := s.count("SELECT count() FROM outcomes FINAL" + where); in != 10_000 {
		s.t.Errorf("the ledger has %d rows of the file", in)
	}
	if done := s.count("SELECT count() FROM runs FINAL" + where + " AND status = 'done'"); done < 1 {
		s.t.Errorf("%d runs are done", done)
	}
}
