package tasks

import (
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Limit checks a number that a user gave: the error carries exit code 64, and names the flag and what is allowed. NaN
// is never allowed.
func Limit[T int | int64 | float64 | time.Duration](flag string, value, low, high T) error {
	if value >= low && value <= high {
		return nil
	}
	return fault.WithHint(fault.Failf(fault.ExitUsage, "%s is %v: it must be from %v to %v", flag, value, low, high),
		"give another value, or leave %s out for the default (its environment variable, too)", flag)
}

// First returns the first error. Checks are cheap, so all of them are made.
func First(checks ...error) error {
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}

// Share checks a share of rows.
func Share(flag string, value float64) error { return Limit(flag, value, 0, 1) }

// Outage checks how long an outage is waited for.
func Outage(flag string, value time.Duration) error { return Limit(flag, value, 0, 365*24*time.Hour) }

// Bytes checks a size, of which there is no limit but memory's.
func Bytes(flag string, value int) error { return Limit(flag, value, 1, 1<<30) }
