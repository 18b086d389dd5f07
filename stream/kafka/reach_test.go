package kafka

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// listener is a broker as far as Reach looks: it accepts connections and says nothing.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // that is what it is for
	return l.Addr().String()
}

// TestReach ends long before librdkafka would, and one broker that accepts is enough.
func TestReach(t *testing.T) {
	t.Parallel()
	up, down := listener(t), closedPort(t)
	_, port, _ := net.SplitHostPort(up)
	for brokers, want := range map[string]int{
		up:                            0,
		"SASL_SSL://" + up:            0,
		"localhost:" + port:           0, // ::1 refuses where it comes first
		down + ", " + up + "," + down: 0,
		down:                          fault.ExitUnavailable,
		down + "," + closedPort(t):    fault.ExitUnavailable,
		"no-such-host.invalid:9092":   fault.ExitUnavailable,
		",":                           fault.ExitUsage,
	} {
		began := time.Now()
		err := (&Config{Brokers: brokers}).Reach(t.Context())
		if fault.ExitCode(err) != want {
			t.Errorf("%q: %v has exit code %d, want %d", brokers, err, fault.ExitCode(err), want)
		}
		if want == fault.ExitUnavailable && (!strings.HasPrefix(err.Error(), "Kafka at "+brokers+" does not answer: ") ||
			fault.Hint(err) != nextStart) {
			t.Errorf("%q: %v, next: %s", brokers, err, fault.Hint(err))
		}
		if took := time.Since(began); took > adminTimeout/2 {
			t.Errorf("%q took %s", brokers, took)
		}
	}
}

// TestReachIsInterrupted: a signal is not taken for a Kafka that is missing.
func TestReachIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Config{Brokers: listener(t)}).Reach(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestBootstrap reads a list of brokers as librdkafka does.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	got := bootstrap("a:1, b ,PLAINTEXT://c:3,[::1]:4,[::1],SSL://d,")
	want := []string{"a:1", "b:9092", "c:3", "[::1]:4", "[::1]:9092", "d:9092"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
