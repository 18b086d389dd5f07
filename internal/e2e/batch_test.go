package e2e

import (
	"os"
	"strings"
	"testing"
	"time"
)

// batch are the services of files. Left out are those whose images have no stand-in: Grafana.
var batch = []string{"clickhouse", "s3", "ml-api", "init-batch", "otel-collector", "jaeger", "postgres", "docker-proxy",
	"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}

// TestBatch runs a file through the DAG, whose tasks are containers that Airflow starts by the proxy before the engine.
func TestBatch(t *testing.T) {
	if os.Getenv("TXFLOW_E2E") == "" {
		t.Skip("NOT RUN: make e2e starts the Docker stack")
	}
	s := start(t, "clickhouse", "s3", "jaeger", "otel-collector", "postgres", "airflow")
	s.run("make", "-C", "../..", "images", "IMAGE_TAGS=latest")
	s.run("make", "-C", "../..", "image-txflow", "image-airflow", "IMAGE_TAGS=latest")
	began := time.Now()
	s.batchUp()
	t.Logf("all healthy after %s", time.Since(began).Round(time.Second))
	s.images()
	s.proxyRefuses()

	said := s.run("../stack/stack", "trigger", "data/transactions.csv")
	if !strings.Contains(said, "success") {
		t.Fatalf("the run: %s", said)
	}
	rows := s.count(stored)
	if in := s.count("SELECT count() FROM outcomes FINAL WHERE pipeline = 'batch'"); rows <= 0 || in < rows {
		t.Errorf("%d rows are stored, and the ledger has %d entries", rows, in)
	}
	s.until("traces of Airflow, a task and the ML API in Jaeger", time.Minute, func() bool {
		said := s.traced()
		return strings.Contains(said, `"airflow"`) && strings.Contains(said, `"txflow-classify"`) &&
			strings.Contains(said, `"ml-api"`)
	})
	if left := s.run("docker", "ps", "--all", "--quiet", "--filter", "label=txflow.dag_id"); left != "" {
		t.Errorf("containers of tasks are left: %s", left)
	}
	if said = s.run("../stack/stack", "trigger", "data/transactions.csv"); !strings.Contains(said, "success") ||
		s.count(stored) != rows {
		t.Errorf("the same file again: %s; %d rows, before it were %d", said, s.count(stored), rows)
	}
}

func (s *stack) batchUp() {
	s.t.Helper()
	s.run("../stack/stack", append([]string{"compose", "--profile", "all", "--profile", "batch", "up", "--detach",
		"--wait", "--wait-timeout", "480"}, batch...)...)
}

// proxyRefuses asks for the host from inside Airflow's own container.
func (s *stack) proxyRefuses() {
	s.t.Helper()
	ask := func(path, body string) string {
		return s.compose("exec", "--no-TTY", "airflow-scheduler", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
			"-H", "Content-Type: application/json",
			"-d", body, "http://docker-proxy:2375"+path)
	}
	for _, body := range []string{`{"Image":"txflow/validate:latest","HostConfig":{"Binds":["/:/host"]}}`,
		`{"Image":"txflow/validate:latest","HostConfig":{"Privileged":true}}`} {
		if status := ask("/containers/create", body); status != "403" {
			s.t.Errorf("%s: %s", body, status)
		}
	}
}
