package kafka

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

const (
	// reachTime bounds how long brokers are connected to: enough for a lost packet or two on the way.
	reachTime = 5 * time.Second
	// defaultPort is librdkafka's for a broker that is named without one.
	defaultPort = "9092"
)

// Reach returns an error with exit code 69 when no broker accepts a connection. Those that refuse are known at once; of
// one that is silent after 5 s. A command that ends by itself asks this first, since librdkafka tries for long in
// the hope that a broker comes back; one that goes on waits for it instead. It sends nothing, so it holds with TLS and
// SASL, too, and one broker of several is enough, at any of the addresses that its name has.
func (c *Config) Reach(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel() // ends the connections that are still being made
	addresses := bootstrap(c.Brokers)
	tried := make(chan error, len(addresses))
	for _, address := range addresses {
		go func() {
			conn, err := (&net.Dialer{}).DialContext(limited, "tcp", address)
			if err == nil {
				_ = conn.Close() // nothing was sent
			}
			tried <- err
		}()
	}
	var failed []string
	for range addresses {
		err := <-tried
		if err == nil {
			return nil
		}
		failed = append(failed, err.Error())
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case len(failed) == 0:
		return fault.WithHint(fault.Failf(fault.ExitUsage, "no Kafka broker is named: %q", c.Brokers),
			"--kafka-brokers (KAFKA_BROKERS) takes HOST:PORT, several separated by commas")
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s does not answer: %s", c.Brokers,
		strings.Join(failed, "; ")), nextStart)
}

// bootstrap splits a list of brokers, each [PROTOCOL://]HOST[:PORT], as librdkafka does.
func bootstrap(brokers string) (addresses []string) {
	for broker := range strings.SplitSeq(brokers, ",") {
		if _, rest, ok := strings.Cut(broker, "://"); ok {
			broker = rest
		}
		if broker = strings.TrimSpace(broker); broker == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(broker); err != nil {
			broker = net.JoinHostPort(strings.Trim(broker, "[]"), defaultPort)
		}
		addresses = append(addresses, broker)
	}
	return addresses
}
