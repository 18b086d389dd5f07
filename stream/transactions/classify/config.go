package classify

import (
	"errors"
	"fmt"
	"time"

	"github.com/txflow/txflow/internal/prediction"
)

// Config says how to ask the ML API. All fields but Refusals and Source are needed.
type Config struct {
	Source      string               // of messages that name none
	Now         func() time.Time     // the clock; a member may live for months
	BatchRows   int                  // rows an ML call
	Concurrency int                  // ML calls at once
	Refusals    *prediction.Refusals // what the predictor counts refusals by; nil: each refusal is the message's own fault
}

// Bounds of Config.
const (
	MaxBatchRows   = 100_000
	MaxConcurrency = 1000
)

// Validate returns all faults of the numbers at once, each with the name of the flag of stream classify.
func (c *Config) Validate() error {
	var errs []error
	if n := c.BatchRows; n < 1 || n > MaxBatchRows {
		errs = append(errs, fmt.Errorf("--batch-rows is %d: it must be from 1 to %d", n, MaxBatchRows))
	}
	if n := c.Concurrency; n < 1 || n > MaxConcurrency {
		errs = append(errs, fmt.Errorf("--concurrency is %d: it must be from 1 to %d", n, MaxConcurrency))
	}
	return errors.Join(errs...)
}
