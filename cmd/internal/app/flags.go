package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"
)

// Positive refuses a time of no length.
func Positive(c *cli.Context, name string) error {
	if d := c.Duration(name); d <= 0 {
		return fault.Failf(fault.ExitUsage, "--%s is %s: it must be more than 0", name, d)
	}
	return nil
}

// DurationErr refuses a time that is not from low to high. Its error, like those of the others, is for Usage.
func DurationErr(c *cli.Context, flag string, low, high time.Duration) error {
	if d := c.Duration(flag); d < low || d > high {
		return fmt.Errorf("--%s is %s: it must be from %s to %s", flag, d, low, high)
	}
	return nil
}

// CountErr refuses a number that is not from low to high.
func CountErr(c *cli.Context, flag string, low, high int) error {
	if n := c.Int(flag); n < low || n > high {
		return fmt.Errorf("--%s is %d: it must be from %d to %d", flag, n, low, high)
	}
	return nil
}

// RateErr refuses what is no number a second.
func RateErr(c *cli.Context, flag string) error {
	if r := c.Float64(flag); !(r >= 0 && r <= 1e9) { // NaN is neither
		return fmt.Errorf("--%s is %v: it must be a number a second, or 0 for no limit", flag, r)
	}
	return nil
}

// OneOfErr refuses all but the allowed values; an allowed "" is not named.
func OneOfErr(c *cli.Context, flag string, allowed ...string) error {
	if slices.Contains(allowed, c.String(flag)) {
		return nil
	}
	return fmt.Errorf("--%s is %q: it must be one of %s", flag, c.String(flag),
		strings.Join(slices.DeleteFunc(allowed, func(s string) bool { return s == "" }), ", "))
}

// TimeFrom is the check of a flag that several commands have: a time from low on.
func TimeFrom(flag string, low time.Duration) func(*cli.Context, time.Duration) error {
	return func(c *cli.Context, _ time.Duration) error {
		return Usage(c, DurationErr(c, flag, low, 1<<63-1))
	}
}

// CountFrom is the check of a flag that several commands have: a number from low to high.
func CountFrom(flag string, low, high int) func(*cli.Context, int) error {
	return func(c *cli.Context, _ int) error { return Usage(c, CountErr(c, flag, low, high)) }
}
