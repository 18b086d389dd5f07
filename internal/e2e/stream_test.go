package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// streaming are the services of live transactions. Left out are those whose images have no stand-in: Kafka UI, Grafana.
var streaming = []string{"kafka", "schema-registry", "clickhouse", "s3", "ml-api", "init", "otel-collector", "jaeger",
	"stream-classify", "stream-produce", "stream-status", "prometheus"}

// TestStream has live messages arrive in ClickHouse and their traces in Jaeger, kills each service in turn, and proves
// that every
// message of Kafka is in one place.
func TestStream(t *testing.T) {
	if os.Getenv("TXFLOW_E2E") == "" {
		t.Skip("NOT RUN: make e2e starts the Docker stack")
	}
	s := start(t, "kafka", "schema-registry", "clickhouse", "s3", "jaeger", "otel-collector", "prometheus")
	began := time.Now()
	s.up(streaming...)
	t.Logf("all healthy after %s", time.Since(began).Round(time.Second))
	s.images()
	rows := s.more(500, 0)
	s.until("traces of the stream and of the ML API in Jaeger", time.Minute, func() bool {
		said := s.traced()
		return strings.Contains(said, "txflow-stream-classify") && strings.Contains(said, `"ml-api"`)
	})
	s.refuses()
	s.observed()

	before := s.containers()
	s.up(streaming...)
	for name, now := range s.containers() {
		if before[name].ID != now.ID {
			t.Errorf("a second up made %s again", name)
		}
	}
	for _, name := range []string{"stream-classify", "ml-api", "clickhouse", "kafka", "schema-registry", "otel-collector",
		"jaeger", "stream-produce"} {
		s.compose("kill", name)
		s.up(streaming...)
		rows = s.more(200, rows)
		t.Logf("%s was killed: messages arrive again", name)
	}
	s.proven()

	s.compose("down")
	s.up("clickhouse")
	if now := s.count(stored); now < rows {
		t.Errorf("after down and up %d rows are there, before it were %d", now, rows)
	}
}

// images logs what ran, and what a stand-in cannot prove.
func (s *stack) images() {
	s.t.Helper()
	for name, c := range s.containers() {
		label := strings.TrimSpace(s.run("docker", "image", "inspect", "--format",
			`{{index .Config.Labels "txflow.standin"}}`, c.Image))
		if label == "" {
			label = "the real image"
		}
		s.t.Logf("%-16s %s: %s", name, c.Image, label)
	}
}

// refuses has what must not be possible.
func (s *stack) refuses() {
	s.t.Helper()
	if status, said, err := s.clickhouse("writer", "wrong", "SELECT 1"); err != nil || status == http.StatusOK {
		s.t.Errorf("a wrong password: %d %s %v", status, said, err)
	}
	if status, said, err := s.clickhouse("default", "", "SELECT 1"); err != nil || status == http.StatusOK {
		s.t.Errorf("the user default without password: %d %s %v", status, said, err)
	}
	if status, said, err := s.clickhouse("reader", s.secret("clickhouse_reader"),
		"TRUNCATE TABLE transactions"); err != nil || status == http.StatusOK {
		s.t.Errorf("the reader truncates: %d %s %v", status, said, err)
	}
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+s.ports["ML_API"]+"/predict",
		strings.NewReader("[]"))
	if err != nil {
		s.t.Fatal(err)
	}
	if status, said, err := answer(request); err != nil || status != http.StatusUnauthorized {
		s.t.Errorf("the ML API without a token: %d %s %v", status, said, err)
	}
}

// proven stops the traffic, waits until all of it is done, and has txflow compare Kafka with ClickHouse.
func (s *stack) proven() {
	s.t.Helper()
	s.compose("stop", "stream-produce")
	var said []byte
	s.until("every message is in one place", 3*time.Minute, func() bool {
		var err error
		said, err = s.command("../stack/stack", "tool", "reconcile", "--stream").CombinedOutput()
		return err == nil
	})
	s.t.Logf("reconcile --stream:\n%s", said)
}
