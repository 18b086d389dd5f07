package e2e

import (
	"net/http"
	"strings"
)

// refuses has what must not be possible from outside.
func (s *stack) refuses() {
	s.t.Helper()
	for _, c := range []struct{ user, password, sql string }{
		{"writer", "wrong", "SELECT 1"},
		{"default", "", "SELECT 1"},
		{"reader", s.secret("clickhouse_reader"), "TRUNCATE TABLE transactions"},
	} {
		if status, said, err := s.clickhouse(c.user, c.password, c.sql); err != nil || status == http.StatusOK {
			s.t.Errorf("ClickHouse does for %s: %s: %d %s %v", c.user, c.sql, status, said, err)
		}
	}
	at := s.url("ML_API", "/predict")
	request, err := http.NewRequest(http.MethodPost, at, strings.NewReader("[]"))
	if err != nil {
		s.t.Fatal(err)
	}
	if status, said, err := answer(request); err != nil || status != http.StatusUnauthorized {
		s.t.Errorf("the ML API without a token: %d %s %v", status, said, err)
	}
	for _, port := range []string{"UI", "AIRFLOW"} {
		path := map[string]string{"UI": "/", "AIRFLOW": "/api/v2/dags"}[port]
		if said, ok := s.get(port, path, "", ""); ok {
			s.t.Errorf("%s without a password: %s", port, said)
		}
	}
}

// proxyRefuses asks for the host from inside Airflow's own container.
func (s *stack) proxyRefuses() {
	s.t.Helper()
	ask := func(path, body string) string {
		return s.compose("exec", "--no-TTY", "airflow-scheduler", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
			"-H", "Content-Type: application/json", "-d", body, "http://docker-proxy:2375"+path)
	}
	for _, body := range []string{
		`{"Image":"txflow/validate:latest","HostConfig":{"Binds":["/:/host"]}}`,
		`{"Image":"txflow/validate:latest","HostConfig":{"Privileged":true}}`,
		`{"Image":"txflow-standin/debian:12"}`,
	} {
		if status := ask("/containers/create", body); status != "403" {
			s.t.Errorf("%s: %s", body, status)
		}
	}
}
