package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestWhole, the core, starts all that make up does, sends a file through Airflow while live messages arrive, and
// crashes two services.
func TestWhole(t *testing.T) {
	asked(t, true)
	s := start(t)
	all := s.services("all")
	t.Logf("all healthy after %s", s.up(all...))
	rows := s.more(500, 0)
	if used := s.memory(); used > 4<<10 {
		t.Errorf("the stack takes %.0f MiB", used)
	}
	s.refuses()
	s.proxyRefuses()

	s.trigger()
	s.ledger()
	s.compose("stop", "stream-produce")
	s.reconciled()
	s.traced("airflow", "txflow-validate", "txflow-classify", "txflow-load", "txflow-stream-classify", "txflow-ml-api")
	s.everyCallIsTraced()
	s.page("/runs", "transactions_batch.")

	s.up(all...)
	s.unchanged(func() { t.Logf("a second up took %s", s.up(all...)) })
	for _, name := range []string{"stream-classify", "clickhouse"} {
		t.Logf("%s crashed, and was healthy again after %s", name, s.crash(name))
		rows = s.more(200, s.count(stored))
	}
	s.compose("stop", "stream-produce")
	s.reconciled()
	if now := s.count(stored); now < rows {
		t.Errorf("%d rows are stored, there were %d", now, rows)
	}
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
