package pipeline

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// MessageLimit is the most that MaxMessage may be: a dead letter holds the message in Base64 with its key and headers,
// and Kafka's own limit is a megabyte unless it is raised.
const MessageLimit = 700 << 10

// DefaultBatchMessages is the default of BatchMessages: 5,000 were slower on a backlog, and more take memory.
const DefaultBatchMessages = 10_000

// Config says how a member of a pipeline's consumer group works. All fields are needed.
type Config struct {
	Name          string           // of the pipeline
	Ledger        string           // its name in the tables
	Topic         string           // that it consumes
	DeadLetters   string           // the topic of its dead letters
	Group         string           // the consumer group, which is the run in every table
	Now           func() time.Time // the clock; a member may live for months
	Tracer        trace.Tracer
	Log           *slog.Logger
	Observer      Observer
	BatchMessages int           // messages in a batch, and so in a transaction, at most
	MaxMessage    int           // bytes with key and headers; a larger message is a dead letter without them and its value
	MaxWait       time.Duration // a message waits at most so long for others
	DrainLimit    time.Duration // at the end, batches in work get so long to be done
}

// Bounds of Config. Above them a member takes more memory than it gains in speed, or waits longer than anybody means.
const (
	MaxBatchMessages = 100_000
	MaxWait          = time.Hour
)

// Validate returns all faults of the numbers at once, each with the name of its flag.
func (c *Config) Validate() error {
	var errs []error
	if n := c.BatchMessages; n < 1 || n > MaxBatchMessages {
		errs = append(errs, fmt.Errorf("--transaction-rows is %d: it must be from 1 to %d", n, MaxBatchMessages))
	}
	if n := c.MaxMessage; n < 1 || n > MessageLimit {
		errs = append(errs, fmt.Errorf("--max-message-bytes is %d: it must be from 1 to %d, for a dead letter with the "+
			"message to fit into Kafka's limit", n, MessageLimit))
	}
	if c.MaxWait < 0 || c.MaxWait > MaxWait {
		errs = append(errs, fmt.Errorf("--max-wait is %s: it must be from 0s to %s", c.MaxWait, MaxWait))
	}
	if c.DrainLimit < 0 {
		errs = append(errs, fmt.Errorf("--drain is %s: it must be 0s or more", c.DrainLimit))
	}
	return errors.Join(errs...)
}
