// Package kafkaserver runs a real Kafka broker (KRaft, one node) as a child process, for tests and benchmarks: it can
// be stopped, killed and started again with what it stored. txflow itself never starts it.
package kafkaserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is a broker with its folder. Its addresses stay the same over restarts.
type Server struct {
	dir, lib   string
	addr       string
	controller string
	proxied    *Door
	process    *exec.Cmd
	ended      chan struct{}
}

// Door is a second way in, for clients behind a proxy: the broker's advertised address for them is the proxy. With a
// password they are let in as User with it alone (SASL, PLAIN).
type Door struct{ Listen, Proxy, Password string }

// User is who has the password of a Door.
const User = "txflow"

// Start makes a new broker in an empty folder and waits until it answers.
func Start(ctx context.Context, lib, dir string, proxied *Door) (*Server, error) {
	s := &Server{dir: dir, lib: lib, proxied: proxied}
	var err error
	if s.addr, err = FreeAddr(ctx); err != nil {
		return nil, err
	}
	if s.controller, err = FreeAddr(ctx); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.config(), []byte(s.properties()), 0o644); err != nil {
		return nil, err
	}
	var id [16]byte
	// it never fails; the first byte is left, since an id that begins with "-" would be taken for an option
	_, _ = rand.Read(id[1:])
	format := s.java(ctx, "kafka.tools.StorageTool", "format", "-t", base64.RawURLEncoding.EncodeToString(id[:]), "-c",
		s.config())
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format Kafka's folder: %w\n%s", err, out)
	}
	return s, s.Restart(ctx)
}

// FreeAddr is an address on this host that nobody listens on.
func FreeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// PID is the broker's process.
func (s *Server) PID() int { return s.process.Process.Pid }

// Addr is where clients reach the broker directly.
func (s *Server) Addr() string { return s.addr }

func (s *Server) config() string { return filepath.Join(s.dir, "server.properties") }
func (s *Server) logFile() string {
	return filepath.Join(s.dir, "kafka.log")
}

func (s *Server) properties() string {
	listeners := "PLAINTEXT://" + s.addr
	advertised := listeners
	protocol, login := "PLAINTEXT", ""
	if d := s.proxied; d != nil {
		listeners += ",PROXIED://" + d.Listen
		advertised += ",PROXIED://" + d.Proxy
		if d.Password != "" {
			protocol = "SASL_PLAINTEXT"
			login = "listener.name.proxied.sasl.enabled.mechanisms=PLAIN\nlistener.name.proxied.plain.sasl.jaas.config=" +
				"org.apache.kafka.common.security.plain.PlainLoginModule required user_" + User + `="` + d.Password + `";`
		}
	}
	return strings.Join([]string{
		"process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@" + s.controller,
		"controller.listener.names=CONTROLLER",
		"listeners=" + listeners + ",CONTROLLER://" + s.controller, "advertised.listeners=" + advertised,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:" + protocol + ",CONTROLLER:PLAINTEXT", login,
		"inter.broker.listener.name=PLAINTEXT",
		"log.dirs=" + filepath.Join(s.dir, "data"), "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1", "transaction.state.log.num.partitions=4",
		"transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false", "",
	}, "\n")
}

func (s *Server) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	// Without Java's second compiler: in a broker's first minutes it took as much processor time as the broker itself, and
	// a local broker is no slower without it.
	options := []string{"-Xms256m", "-Xmx1g", "-XX:TieredStopAtLevel=1", "-cp", s.lib + "/*", class}
	cmd := exec.CommandContext(ctx, "java", append(options, args...)...)
	cmd.Dir = s.dir
	return cmd
}

// Restart starts the broker again and waits until it answers.
func (s *Server) Restart(ctx context.Context) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	s.process = s.java(context.WithoutCancel(ctx), "kafka.Kafka", s.config())
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	process, ended := s.process, make(chan struct{})
	s.ended = ended
	go func() {
		_ = process.Wait() // how it ended does not matter
		close(ended)
	}()
	return s.ready(ctx)
}

const startLimit = 5 * time.Minute

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", s.addr); err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return errors.New("Kafka ended at once:\n" + s.tail())
		case <-ctx.Done():
			return fmt.Errorf("Kafka did not start: %w\n%s", ctx.Err(), s.tail()) //nolint:staticcheck // a name
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tail is the end of what the broker logged.
func (s *Server) tail() string {
	const size = 4 << 10
	content, _ := os.ReadFile(s.logFile()) // whatever there is of it
	return string(bytes.ToValidUTF8(content[max(0, len(content)-size):], nil))
}

// Stop ends the broker as it should be, and waits.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill is kill -9.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal) // it may have ended by itself
	<-s.ended
}
