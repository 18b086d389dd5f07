// Package kafka is the stream's side towards Kafka, by confluent-kafka-go: the client of librdkafka, which Confluent
// keeps.
package kafka

import (
	"log/slog"
	"maps"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Config says which broker and who we are.
type Config struct {
	Brokers  string   // HOST:PORT, several separated by commas
	Settings Settings // librdkafka's own, security for example
	Log      *slog.Logger
}

// with makes librdkafka's configuration from what a client needs. Its log lines go to r.
func (c *Config) with(r *reporter, settings kafka.ConfigMap) *kafka.ConfigMap {
	all := kafka.ConfigMap{"bootstrap.servers": c.Brokers, "client.id": "txflow", "log_level": logLevel,
		"reconnect.backoff.max.ms": 1000, "topic.metadata.refresh.interval.ms": 30_000,
		"go.logs.channel.enable": true, "go.logs.channel": r.lines}
	maps.Copy(all, settings)
	for name, value := range c.Settings.values {
		all[name] = value
	}
	return &all
}

// unavailable is the error of a broker that does not answer, or not as it should. No secret of the settings is in it.
func (c *Config) unavailable(err error) error {
	shown := c.Settings.redacted(err)
	if unreachable(err) {
		return fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s does not answer: %w", c.Brokers, shown),
			nextStart)
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s: %w", c.Brokers, shown), nextStart)
}

// nextStart is what to do about a Kafka that does not answer.
const nextStart = "start one with txflow platform, or name another with --kafka-brokers (KAFKA_BROKERS)"

// unreachable reports whether no broker was reached.
func unreachable(err error) bool {
	switch code(err) {
	case kafka.ErrTransport, kafka.ErrAllBrokersDown, kafka.ErrResolve, kafka.ErrTimedOut, kafka.ErrTimedOutQueue:
		return true
	}
	return false
}

// refused is the error of a client that librdkafka does not make: its settings are wrong.
func (c *Config) refused(err error) error {
	return fault.WithHint(fault.Failf(fault.ExitUsage, "the settings for Kafka: %w", c.Settings.redacted(err)),
		"librdkafka's CONFIGURATION.md lists them; they come from --kafka-config-file, KAFKA_CONFIG and --kafka-config")
}
