// Package settings fills in the defaults of a configuration, and collects what is wrong with one.
package settings

import (
	"errors"
	"fmt"

	"github.com/txflow/txflow/internal/fault"
)

// Default gives a field that is zero a value.
func Default[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Faults are all that is wrong with a configuration.
type Faults []error

// Add notes what is bad.
func (f *Faults) Add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Err is one error of all of them, with exit code 64; nil without any.
func (f Faults) Err() error { return fault.Fail(fault.ExitUsage, errors.Join(f...)) }
