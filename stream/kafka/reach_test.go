package kafka

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/kafkaserver"
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

// onlyThoseWithPassword are let in by a broker: another password is known to be wrong at once, and is not shown.
func onlyThoseWithPassword(t *testing.T, addr, password string) {
	t.Run("a wrong password is known at once", func(t *testing.T) {
		for given, want := range map[string]int{password: 0, "another-1234": fault.ExitUnavailable} {
			reachWith(t, addr, "security.protocol=sasl_plaintext,sasl.mechanism=PLAIN,sasl.username="+kafkaserver.User+
				",sasl.password="+given, want)
		}
	})
}

// TestReachChecksCertificates: one that nobody vouches for is known at once.
func TestReachChecksCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	server.Close()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(server.TLS))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr := cluster.ListenAddrs()[0]
	reachWith(t, addr, "security.protocol=ssl", fault.ExitUnavailable)
	reachWith(t, addr, "security.protocol=ssl,enable.ssl.certificate.verification=false", 0)
}

func reachWith(t *testing.T, addr, settings string, want int) {
	t.Helper()
	cfg := Config{Brokers: addr}
	if err := cfg.Settings.AddList("the test", settings); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err := cfg.Reach(t.Context())
	switch took := time.Since(began); {
	case fault.ExitCode(err) != want:
		t.Errorf("with %s: %v has exit code %d, want %d", settings, err, fault.ExitCode(err), want)
	case took > reachTime: // nobody was asked for as long
		t.Errorf("with %s: it took %s", settings, took)
	case err != nil && (strings.Contains(err.Error(), "1234") || fault.Hint(err) != nextSecurity):
		t.Errorf("with %s: %v, next: %s", settings, err, fault.Hint(err))
	}
}
