package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/stream/kafka"
)

var (
	brokersFlag = &cli.StringFlag{Name: "kafka-brokers", Value: "127.0.0.1:9092",
		EnvVars: []string{"KAFKA_BROKERS", "KAFKA_BOOTSTRAP_SERVERS"},
		Usage:   "Kafka brokers at `HOST:PORT`, separated by commas"}
	kafkaFlags = []cli.Flag{brokersFlag,
		&cli.StringSliceFlag{Name: "kafka-config", EnvVars: []string{"KAFKA_CONFIG"},
			Usage: "settings of librdkafka, `NAME=VALUE`, for security for example; several separated by commas, or several times; a comma inside a value is \\,"},
		&cli.StringFlag{Name: "kafka-config-file", EnvVars: []string{"KAFKA_CONFIG_FILE"},
			Usage: "`FILE` with a setting of librdkafka a line, NAME=VALUE, for secrets for example; --kafka-config wins"}}
)

// kafkaConfig reads the flags. Its error is one of usage, without exit code: see app.Usage.
func kafkaConfig(c *cli.Context, rt *app.Runtime) (kafka.Config, error) {
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
