// Package e2e runs docker-compose.yml, the very file that users get, on a real Docker engine. Images that cannot be
// pulled are
// built from the real software under the same names; the log says what each of those cannot prove.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/testtool"
)

// stack is a running docker-compose.yml with a project name, ports and secrets of its own.
type stack struct {
	t       *testing.T
	env     []string
	secrets string
	ports   map[string]string
}

// start builds what is missing and makes the stack's secrets; nothing runs yet.
func start(t *testing.T, services ...string) *stack {
	t.Helper()
	if said, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		testtool.Missing(t, "no Docker Compose: %v\n%s", err, said)
	}
	if said, err := exec.Command("docker", "version", "--format={{.Server.Version}}").CombinedOutput(); err != nil {
		testtool.Missing(t, "no Docker engine answers: %v\n%s", err, said)
	}
	s := &stack{t: t, secrets: t.TempDir(), ports: map[string]string{}}
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if socket == "" {
		socket = "/var/run/docker.sock"
	}
	s.env = append(os.Environ(), fmt.Sprintf("COMPOSE_PROJECT_NAME=txflow-e2e-%d", os.Getpid()), "SECRETS="+s.secrets,
		"DOCKER_SOCKET="+socket,
		"PRODUCE_RATE=200", "PRODUCE_BURST=20")
	for _, name := range []string{"AIRFLOW", "CLICKHOUSE", "ML_API", "JAEGER", "KAFKA_UI", "SCHEMA_REGISTRY", "S3",
		"PROMETHEUS", "GRAFANA", "UI"} {
		s.ports[name] = freePort(t)
		s.env = append(s.env, name+"_PORT="+s.ports[name])
	}
	if said, err := s.command("../standins/build", services...).CombinedOutput(); err != nil {
		testtool.Missing(t, "an image can neither be pulled nor built from the software that it holds: %v\n%s", err, said)
	}
	if said, err := s.command("make", "-C", "../..", "image-txflow").CombinedOutput(); err != nil {
		testtool.Missing(t, "the image txflow/txflow: %v\n%s", err, said)
	}
	s.run("../stack/stack", "secrets")
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := s.command("../stack/stack", "compose", "--profile", "all", "logs", "--no-color", "--tail",
				"40").CombinedOutput()
			t.Logf("the stack's logs:\n%s", said)
		}
		if said, err := s.command("../stack/stack", "compose", "--profile", "all", "--profile", "tools", "down", "--volumes",
			"--remove-orphans").CombinedOutput(); err != nil {
			t.Errorf("remove the stack: %v\n%s", err, said)
		}
	})
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String()) // a listener's always is one
	return port
}

func (s *stack) command(name string, args ...string) *exec.Cmd {
	if strings.HasPrefix(name, "../") {
		name, _ = filepath.Abs(name) // the folder is there
	}
	cmd := exec.Command(name, args...)
	cmd.Env = s.env
	return cmd
}

// run runs a command that must succeed and returns its stdout.
func (s *stack) run(name string, args ...string) string {
	s.t.Helper()
	cmd := s.command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func (s *stack) compose(args ...string) string {
	s.t.Helper()
	return s.run("../stack/stack", append([]string{"compose", "--profile", "all"}, args...)...)
}

// up starts services and waits until they are healthy.
func (s *stack) up(services ...string) {
	s.t.Helper()
	s.compose(append([]string{"up", "--detach", "--wait", "--wait-timeout", "480"}, services...)...)
}

func (s *stack) secret(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.secrets, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// clickhouse runs a statement as a user, and returns what ClickHouse answers, with its status.
func (s *stack) clickhouse(user, password, sql string) (status int, said string, err error) {
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+s.ports["CLICKHOUSE"]+"/?database=txflow",
		strings.NewReader(sql))
	if err != nil {
		return 0, "", err
	}
	request.SetBasicAuth(user, password)
	return answer(request)
}

func answer(request *http.Request) (status int, said string, err error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text)), err
}

// count is a number that ClickHouse answers its reader with; -1 while it does not answer.
func (s *stack) count(sql string) int {
	n := -1
	if status, said, err := s.clickhouse("reader", s.secret("clickhouse_reader"), sql); err == nil &&
		status == http.StatusOK {
		_, _ = fmt.Sscan(said, &n) // else it is none
	}
	return n
}

const stored = "SELECT count() FROM transactions FINAL"

// more waits until so many transactions more are stored than before.
func (s *stack) more(rows int, than int) int {
	s.t.Helper()
	now := -1
	s.until(fmt.Sprintf("%d rows more than %d", rows, than), 3*time.Minute, func() bool {
		now = s.count(stored)
		return now >= than+rows
	})
	return now
}

// until polls until something is so.
func (s *stack) until(what string, limit time.Duration, is func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("after %s not so: %s", limit, what)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// container is what docker ps says of one.
type container struct{ ID, Service, State, Health, Image string }

func (s *stack) containers() map[string]container {
	s.t.Helper()
	all := map[string]container{}
	for dec := json.NewDecoder(strings.NewReader(s.compose("ps", "--all", "--format", "json"))); ; {
		var c container
		if err := dec.Decode(&c); err != nil {
			return all
		}
		all[c.Service] = c
	}
}

// traced tells which services have traces in Jaeger.
func (s *stack) traced() string {
	request, err := http.NewRequest(http.MethodGet, (&url.URL{Scheme: "http", Host: "127.0.0.1:" + s.ports["JAEGER"], Path: "/api/services"}).String(), nil)
	if err != nil {
		return ""
	}
	_, said, _ := answer(request) // "" while it does not answer
	return said
}
