package kafka

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
)

const (
	// reachTime bounds how long brokers are connected to: enough for a lost packet or two on the way.
	reachTime = 5 * time.Second
	// othersTime is how long the other brokers have when one refuses a client.
	othersTime = time.Second
	// defaultPort is librdkafka's for a broker that is named without one.
	defaultPort = "9092"
)

// Reach returns an error with exit code 69 when no broker accepts a connection. Those that refuse are known at once; of
// one that is silent after 5 s. A command that ends by itself asks this first, since librdkafka tries for long in
// the hope that a broker comes back; one that goes on waits for it instead. One broker of several is enough, at any of
// the addresses that its name has. Where settings say how brokers let a client in, one that does not is an error, too.
func (c *Config) Reach(ctx context.Context) error {
	if err := c.connect(ctx); err != nil || len(c.Settings.Security()) == 0 {
		return err
	}
	return c.enter(ctx)
}

// connect sends nothing, so it holds with TLS and SASL, too.
func (c *Config) connect(ctx context.Context) error {
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

// enter asks for the names of the topics, and returns why no broker lets the client in. One that is silent for 5 s is
// no error: whoever asks it next says what did not come.
func (c *Config) enter(ctx context.Context) error {
	report := newReporter(c)
	defer report.close()
	client, err := kafka.NewProducer(c.with(report, kafka.ConfigMap{}))
	if err != nil {
		return c.refused(err)
	}
	defer client.Close()
	var refusal error
	for deadline := time.Now().Add(reachTime); time.Now().Before(deadline) && ctx.Err() == nil; {
		if _, err = client.GetMetadata(nil, false, int(pollStep.Milliseconds())); err == nil {
			return nil
		}
		for len(client.Events()) > 0 {
			e, ok := (<-client.Events()).(kafka.Error)
			if refusal == nil && ok && (e.Code() == kafka.ErrAuthentication || e.Code() == kafka.ErrSsl) {
				refusal = fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s lets nobody in with these settings: %w",
					c.Brokers, c.Settings.redacted(e)), nextSecurity)
				deadline = time.Now().Add(othersTime)
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refusal
}

// nextSecurity is what to do about a Kafka that refuses a client.
const nextSecurity = "see security.*, sasl.* and ssl.* in --kafka-config-file, KAFKA_CONFIG and --kafka-config"

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
