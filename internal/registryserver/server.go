// Package registryserver runs a real Schema Registry (Apicurio, which has Confluent's API) as a child process, for
// tests. It keeps its schemas in memory. txflow itself never starts it.
package registryserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Server is an empty registry that runs.
type Server struct {
	url     string
	log     string // a file
	process *exec.Cmd
	ended   chan struct{}
}

// Start starts a registry of the folder that Fetch returned, on free ports of this host, and waits until it answers.
// What it logs is in dir.
func Start(ctx context.Context, java, lib, dir string) (*Server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	management, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr) // it was made by a listener
	managementHost, managementPort, _ := net.SplitHostPort(management)
	s := &Server{url: "http://" + addr + "/apis/ccompat/v7", log: filepath.Join(dir, "registry.log"),
		ended: make(chan struct{})}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	s.process = exec.CommandContext(context.WithoutCancel(ctx), java, "-Xmx512m", "-jar",
		filepath.Join(lib, "quarkus-run.jar"))
	s.process.Dir = dir
	s.process.Env = append(os.Environ(), "APICURIO_STORAGE_KIND=sql", "APICURIO_STORAGE_SQL_KIND=h2",
		"APICURIO_DATASOURCE_URL=jdbc:h2:mem:registry",
		"QUARKUS_HTTP_HOST="+host, "QUARKUS_HTTP_PORT="+port,
		// by default 9000 on all addresses
		"QUARKUS_MANAGEMENT_HOST="+managementHost, "QUARKUS_MANAGEMENT_PORT="+managementPort)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.process.Wait() // how it ended does not matter
		close(s.ended)
	}()
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// URL is where Confluent's API begins.
func (s *Server) URL() string { return s.url }

const startLimit = 3 * time.Minute

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("the Schema Registry ended at once:\n" + s.tail())
		case <-ctx.Done():
			return fmt.Errorf("the Schema Registry did not start: %w\n%s", err, s.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ask lists the subjects.
func (s *Server) ask(ctx context.Context) error {
	const once = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, once)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/subjects", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it is not read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}

// tail is the end of what it logged.
func (s *Server) tail() string {
	const size = 4 << 10
	content, _ := os.ReadFile(s.log) // whatever there is of it
	return string(bytes.ToValidUTF8(content[max(0, len(content)-size):], nil))
}

// stopLimit is how long it may take to end by itself.
const stopLimit = 10 * time.Second

// Stop ends the registry and waits.
func (s *Server) Stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		_ = s.process.Process.Kill()
		<-s.ended
	}
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
