// Package kafka is the stream's side towards Kafka, by confluent-kafka-go: the client of librdkafka, which Confluent keeps.
package kafka

import (
	"log/slog"
	"maps"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/batch"
)

// Config says which broker and who we are.
type Config struct {
	Brokers string            // HOST:PORT, several separated by commas
	Extra   map[string]string // librdkafka's own settings, security for example; they win
	Log     *slog.Logger
}

// with makes librdkafka's configuration from what a client needs.
func (c *Config) with(settings kafka.ConfigMap) *kafka.ConfigMap {
	all := kafka.ConfigMap{"bootstrap.servers": c.Brokers, "client.id": "txflow", "log_level": 3,
		"reconnect.backoff.max.ms": 1000, "topic.metadata.refresh.interval.ms": 30_000}
	maps.Copy(all, settings)
	for name, value := range c.Extra {
		all[name] = value
	}
	return &all
}

// away is the error of a broker that does not answer.
func (c *Config) away(err error) error {
	return batch.WithHint(batch.Failf(batch.ExitUnavailable, "Kafka at %s: %w", c.Brokers, err),
		"start one with txflow platform, or name another with --kafka-brokers (KAFKA_BROKERS)")
}
