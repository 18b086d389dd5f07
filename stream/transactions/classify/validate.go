package classify

import (
	"errors"
	"fmt"
	"time"
)

// Bounds of Config. Above them a member takes more memory than it gains in speed, or waits longer than anybody means.
const (
	MaxTransactionRows = 100_000
	MaxBatchRows       = 100_000
	MaxConcurrency     = 1000
	MaxWait            = time.Hour
)

// Validate returns all faults of the numbers at once, each with the name of the flag of stream classify.
func (c *Config) Validate() error {
	var errs []error
	between := func(flag string, n, low, high int, why string) {
		if n < low || n > high {
			errs = append(errs, fmt.Errorf("--%s is %d: it must be from %d to %d%s", flag, n, low, high, why))
		}
	}
	between("transaction-rows", c.TransactionRows, 1, MaxTransactionRows, "")
	between("max-message-bytes", c.MaxMessage, 1, MessageLimit, ", for a dead letter with the message to fit into Kafka's limit")
	between("batch-rows", c.BatchRows, 1, MaxBatchRows, "")
	between("concurrency", c.Concurrency, 1, MaxConcurrency, "")
	if c.MaxWait < 0 || c.MaxWait > MaxWait {
		errs = append(errs, fmt.Errorf("--max-wait is %s: it must be from 0s to %s", c.MaxWait, MaxWait))
	}
	if c.DrainLimit < 0 {
		errs = append(errs, fmt.Errorf("--drain is %s: it must be 0s or more", c.DrainLimit))
	}
	return errors.Join(errs...)
}
