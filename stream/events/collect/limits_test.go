package collect

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// blocked publishes nothing until it may.
type blocked struct {
	broker
	came chan struct{}
	may  chan struct{}
}

func (b *blocked) Publish(ctx context.Context, records []pipeline.Record) []error {
	b.came <- struct{}{}
	<-b.may
	return b.broker.Publish(ctx, records)
}

// TestBusy fills the budget: the next package is 429, and passes afterwards.
func TestBusy(t *testing.T) {
	t.Parallel()
	b := &blocked{came: make(chan struct{}), may: make(chan struct{})}
	s := server(t, Config{Publisher: b, MaxBodyBytes: 1000, MaxInFlight: 1000})
	large := good + strings.Repeat(" ", 800)
	done := make(chan int, 1)
	go func() {
		answer, _ := post(t, s, "/collect", large)
		done <- answer.status
	}()
	<-b.came
	if answer, res := post(t, s, "/collect", large); answer.status != 429 || res.Code != "busy" ||
		answer.Header.Get("Retry-After") == "" {
		t.Errorf("beyond the budget: %d %+v", answer.status, res)
	}
	close(b.may)
	if status := <-done; status != 200 {
		t.Errorf("the first: %d", status)
	}
	go func() { <-b.came }()
	if answer, _ := post(t, s, "/collect", large); answer.status != 200 {
		t.Errorf("afterwards: %d", answer.status)
	}
}

// TestSlowSenders has a thousand idle connections, and senders that do not finish their head or their body: others are
// served, and the slow ones are answered and let go.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	s, addr, _ := listening(t, Config{Publisher: &broker{}, BodyTimeout: 2 * time.Second, MaxBodyBytes: 1 << 20,
		MaxInFlight: 1 << 20})
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}()
	for range 1000 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	slow := make(chan string, 20)
	for range cap(slow) {
		go func() { slow <- raw(t, addr, head+"Content-Length: 1000000\r\n\r\n[", nil) }()
	}
	for range 10 {
		if got := raw(t, addr, fmt.Sprintf("%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(good), good),
			nil); !strings.HasPrefix(got, "200") {
			t.Errorf("beside slow senders: %q", got)
		}
	}
	for range cap(slow) {
		if got := <-slow; !strings.HasPrefix(got, "408") && !strings.HasPrefix(got, "429") {
			t.Errorf("a slow sender: %q", got)
		}
	}
	if s.held.Used() != 0 {
		t.Errorf("%d bytes are held", s.held.Used())
	}
}

// TestShutdown ends the server while Kafka is slow: what was accepted is acknowledged, and answered.
func TestShutdown(t *testing.T) {
	t.Parallel()
	b := &blocked{came: make(chan struct{}), may: make(chan struct{})}
	_, addr, stop := listening(t, Config{Publisher: b})
	request := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(good), good)
	answered := make(chan string, 1)
	go func() { answered <- raw(t, addr, request, nil) }()
	<-b.came
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for deadline := time.Now().Add(time.Minute); ; { // until nobody listens
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("after a minute it still listens")
		}
	}
	close(b.may)
	if got, err := <-answered, <-ended; !strings.HasPrefix(got, "200") || err != nil || len(b.of(events.Raw)) != 1 {
		t.Errorf("the request in flight: %q, the server: %v", got, err)
	}
}
