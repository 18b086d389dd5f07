// Package fault is an error with the exit code that fits it and what the user can do next. Its ExitCode is the one
// place that decides how a command ends and whether the same work may be tried again.
package fault

import (
	"errors"
	"fmt"
)

// Exit codes of every command, after sysexits.h. A scheduler retries 69 and 75, never 64 and 65, and skips on 99.
const (
	ExitDone        = 0
	ExitFault       = 70 // a fault of txflow itself
	ExitUsage       = 64
	ExitData        = 65
	ExitUnavailable = 69
	ExitTryAgain    = 75
	ExitNothing     = 99
	ExitInterrupted = 130
)

// Error is an error with the exit code that fits and, where there is one, what the user can do next.
type Error struct {
	Code int
	Hint string
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Fail wraps err with an exit code, which counts where err has none yet. A nil err stays nil.
func Fail(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Err: err}
}

// Failf makes an error with an exit code; %w works as in fmt.Errorf.
func Failf(code int, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// WithHint adds what to do next; the exit code of err stays.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Code: ExitCode(err), Hint: fmt.Sprintf(format, args...), Err: err}
}

// OrHint is WithHint for an err that does not say yet what to do next: whoever saw the fault itself knows best.
func OrHint(err error, format string, args ...any) error {
	if Hint(err) != "" {
		return err
	}
	return WithHint(err, format, args...)
}

// Hint returns the outermost hint in err's chain, or "".
func Hint(err error) string {
	for e := (*Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Hint != "" {
			return e.Hint
		}
	}
	return ""
}
