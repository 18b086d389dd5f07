// Package e2e runs docker-compose.yml, the very file that users get, on a real Docker engine. Images that cannot be
// pulled are built from the real software under the same names; the log says what each of those cannot prove.
package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/testtool"
)

// stack is a running docker-compose.yml with a project name, ports and secrets of its own.
type stack struct {
	t       *testing.T
	env     []string
	secrets string
	profile string
	ports   map[string]string
}

// asked skips a test unless TXFLOW_E2E asks for it: core for the quick one alone, 1 for all.
func asked(t *testing.T, core bool) {
	t.Helper()
	switch which := os.Getenv("TXFLOW_E2E"); {
	case which == "":
		t.Skip("NOT RUN: make e2e starts the Docker stack")
	case which == "core" && !core:
		t.Skip("NOT RUN: left out of the core: make e2e runs it")
	}
}

// phase runs a part of a test under its own name, which go test's -run may choose; the test ends when it fails.
func (s *stack) phase(name string, do func()) {
	s.t.Helper()
	whole := s.t
	began := time.Now()
	ok := whole.Run(name, func(t *testing.T) {
		s.t = t
		do()
		t.Logf("took %s", time.Since(began).Round(time.Second))
		s.took(name, time.Since(began))
	})
	if s.t = whole; !ok {
		whole.FailNow()
	}
}

// standins are the services whose images can be built from the real software where they cannot be pulled, but
// Airflow's.
var standins = strings.Fields("kafka schema-registry clickhouse s3 jaeger otel-collector prometheus postgres")

// built makes all images once for all tests; what it says is why there are none. With TXFLOW_E2E_IMAGES=keep those
// that are there are used, so that a phase can be run again soon.
var built = sync.OnceValue(func() string {
	if os.Getenv("TXFLOW_E2E_IMAGES") == "keep" {
		return ""
	}
	txflows := []string{"make", "-C", "../..", "IMAGE_TAGS=latest"}
	parts := [][][]string{ // at once; Airflow's takes as long as all others together
		{append([]string{"../standins/build"}, standins...)},
		{{"../standins/build", "airflow"}, append(slices.Clone(txflows), "image-airflow")},
		{{"../standins/build", "builder"}, append(slices.Clone(txflows), "images", "image-txflow")},
	}
	said := make([]string, len(parts))
	var wg sync.WaitGroup
	for i, commands := range parts {
		wg.Go(func() {
			for _, command := range commands {
				if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
					said[i] = fmt.Sprintf("%s: %v\n%s", strings.Join(command, " "), err, text)
					return
				}
			}
		})
	}
	wg.Wait()
	return strings.TrimSpace(strings.Join(said, "\n"))
})

// project is what names of this run's containers, networks and volumes begin with.
func (s *stack) project() string { return fmt.Sprintf("txflow-e2e-%d", os.Getpid()) }

// start builds what is missing and makes the stack's secrets; nothing runs yet.
func start(t *testing.T) *stack {
	t.Helper()
	if said, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		testtool.Missing(t, "no Docker Compose: %v\n%s", err, said)
	}
	if said, err := exec.Command("docker", "version", "--format={{.Server.Version}}").CombinedOutput(); err != nil {
		testtool.Missing(t, "no Docker engine answers: %v\n%s", err, said)
	}
	s := &stack{t: t, secrets: t.TempDir(), ports: map[string]string{}}
	began := time.Now()
	if said := built(); said != "" {
		testtool.Missing(t, "an image can neither be pulled nor built from the software that it holds: %s", said)
	}
	if took := time.Since(began); took > time.Second { // the first
		t.Logf("building the images took %s", took.Round(time.Second))
		s.took("the images are built", took)
	}
	s.env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project(), "SECRETS="+s.secrets,
		"PRODUCE_RATE=200", "PRODUCE_BURST=20")
	const ports = "AIRFLOW CLICKHOUSE MYSQL COLLECT ML_API JAEGER KAFKA_UI SCHEMA_REGISTRY S3 PROMETHEUS GRAFANA UI"
	for _, name := range strings.Fields(ports) {
		s.ports[name] = freePort(t)
		s.env = append(s.env, name+"_PORT="+s.ports[name])
	}
	s.script("secrets")
	t.Cleanup(func() {
		if t.Failed() {
			logs := s.command("../stack/stack", "compose", "--profile", "*", "logs", "--no-color", "--tail", "25")
			said, _ := logs.CombinedOutput()
			t.Logf("the stack's logs:\n%s", said)
		}
		if said, err := s.command("../stack/stack", "clean").CombinedOutput(); err != nil {
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
	return strings.TrimSpace(stdout.String())
}

// script runs the script of the Makefile's targets.
func (s *stack) script(args ...string) string {
	s.t.Helper()
	return s.run("../stack/stack", args...)
}

func (s *stack) compose(args ...string) string {
	s.t.Helper()
	return s.script(append([]string{"compose", "--profile", s.profile}, args...)...)
}

func (s *stack) secret(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.secrets, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}
