// Package kafkaflags are the flags that say where Kafka and the Schema Registry are, and which groups read there.
package kafkaflags

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

var brokers = &cli.StringFlag{Name: "kafka-brokers", Value: "127.0.0.1:9092",
	EnvVars: []string{"KAFKA_BROKERS", "KAFKA_BOOTSTRAP_SERVERS"},
	Usage:   "Kafka brokers at `HOST:PORT`, separated by commas"}

// Optional are Flags for a command that does without Kafka where --kafka-brokers is empty.
func Optional() []cli.Flag {
	return append([]cli.Flag{app.OrNone(brokers)}, Flags[1:]...)
}

// Flags say where Kafka is, and how it lets txflow in.
var Flags = []cli.Flag{
	brokers,
	&cli.StringSliceFlag{Name: "kafka-config", EnvVars: []string{"KAFKA_CONFIG"},
		Usage: "settings of librdkafka, `NAME=VALUE`, for security for example; several separated by commas, " +
			"or several times; a comma inside a value is \\,"},
	&cli.StringFlag{Name: "kafka-config-file", EnvVars: []string{"KAFKA_CONFIG_FILE"},
		Usage: "`FILE` with a setting of librdkafka a line, NAME=VALUE, for secrets for example; --kafka-config wins"},
}

// Registry says where the Schema Registry is.
var Registry = &cli.StringFlag{Name: "registry-url", Value: "http://127.0.0.1:8081",
	EnvVars: []string{"SCHEMA_REGISTRY_URL"}, Usage: "`URL` of the Schema Registry; may contain user and password"}

// Group names the group of classify.
var Group = &cli.StringFlag{Name: "group", Value: "txflow-classify", EnvVars: []string{"TXFLOW_STREAM_GROUP"},
	Usage: "consumer group `NAME`; members share the partitions"}

// RefineGroup names the group of refine.
var RefineGroup = &cli.StringFlag{Name: "group", Value: events.Group, EnvVars: []string{"TXFLOW_REFINE_GROUP"},
	Usage: "consumer group `NAME` of stream refine"}

// GroupOfRefine names the group of refine where Group is that of classify.
var GroupOfRefine = &cli.StringFlag{Name: "refine-group", Value: events.Group,
	EnvVars: []string{"TXFLOW_REFINE_GROUP"}, Usage: "consumer group `NAME` of stream refine"}

// Topics names the file of topics.
var Topics = &cli.StringFlag{Name: "topics-file", EnvVars: []string{"TXFLOW_TOPICS_FILE"},
	Usage: "`FILE` with partitions, replicas and settings of topics, as txflow topics print writes it; " +
		"it wins over the flags"}

// TopicsFile reads the file that --topics-file names; of none it changes nothing. Its error has exit code 64.
func TopicsFile(c *cli.Context) (file topics.File, err error) {
	path := c.String(Topics.Name)
	if path == "" {
		return file, nil
	}
	in, err := os.Open(path)
	if err != nil {
		return file, fault.Failf(fault.ExitUsage, "--topics-file: %w", err)
	}
	defer func() { _ = in.Close() }() // it is only read
	text, err := io.ReadAll(io.LimitReader(in, topics.MaxFile+1))
	if err == nil && len(text) > topics.MaxFile {
		err = fmt.Errorf("longer than %d bytes", topics.MaxFile)
	}
	if err == nil {
		file, err = topics.ParseFile(text)
	}
	if err != nil {
		return file, fault.WithHint(fault.Failf(fault.ExitUsage, "--topics-file %s: %w", path, err),
			"txflow topics print writes a file that can be edited")
	}
	return file, nil
}

// Wanted are the topics that the flags and the file ask for. Its error has exit code 64.
func Wanted(c *cli.Context, want []topics.Topic) ([]topics.Topic, error) {
	file, err := TopicsFile(c)
	if err != nil {
		return nil, err
	}
	if err := file.Apply(want); err != nil {
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "--topics-file %s: %w", c.String(Topics.Name), err),
			"give both the same number of partitions")
	}
	return want, nil
}

// Config reads the flags. Its error is one of usage, without exit code: see app.Usage.
func Config(c *cli.Context, rt *app.Runtime) (kafka.Config, error) {
	cfg := kafka.Config{Brokers: c.String("kafka-brokers"), Log: rt.Log}
	if path := c.String("kafka-config-file"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return cfg, fmt.Errorf("--kafka-config-file: %w", err)
		}
		if err := cfg.Settings.AddFile(path, string(text)); err != nil {
			return cfg, err
		}
	}
	for _, list := range c.StringSlice("kafka-config") {
		if err := cfg.Settings.AddList("--kafka-config (KAFKA_CONFIG)", list); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// ErasureKey names the file of the key that forgotten persons are hashed with.
var ErasureKey = &cli.StringFlag{Name: "erasure-key", Value: "out/erasure.key", EnvVars: []string{"TXFLOW_ERASURE_KEY"},
	Usage: "`FILE` with the key by which forgotten persons are known; the same for forget, refine and archive"}
