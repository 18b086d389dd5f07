package fault

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// ExitCode is the one place that decides how a command ends and what may be tried again: 0 for nil, else the verdict
// that is deepest in err's chain, since whoever saw the fault itself knows best what it is: a wrapper never changes it.
// What the system or a context says counts as such: an interrupt is 130 whoever wrapped it, a deadline, a broken
// connection or a full disk is 75 or 69 and never "bad data" or "wrong usage". Where errors are joined, what went wrong
// counts more than the interrupts that followed. Without any verdict it is 70.
func ExitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	if code, _ := verdict(err); code != 0 {
		return code
	}
	return ExitFault
}

// Transient reports whether the same work may succeed later, without anybody changing its input.
func Transient(err error) bool {
	return retried(ExitCode(err))
}

// verdict is the exit code of the deepest error that has one, 0 for none. Stated is false for what is only concluded
// from an error of the system.
func verdict(err error) (code int, stated bool) {
	switch e := err.(type) { //nolint:errorlint // it walks the chain itself
	case nil:
		return 0, false
	case *Error:
		inner, stated := verdict(e.Err)
		if inner == 0 || !stated && retried(inner) && retried(e.Code) {
			return e.Code, true // an adapter may say of a deadline that its dependency is unavailable
		}
		return inner, stated
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			if v, s := verdict(joined); code == 0 || code == ExitInterrupted && v != 0 {
				code, stated = v, s
			}
		}
		return code, stated
	case interface{ Unwrap() error }:
		if code, stated = verdict(e.Unwrap()); code != 0 {
			return code, stated
		}
	}
	return ofSystem(err), false
}

func retried(code int) bool { return code == ExitUnavailable || code == ExitTryAgain }

// ofSystem is the verdict of an error of a context, the network or the operating system, whoever met it; 0 for any
// other.
func ofSystem(err error) int {
	switch {
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ExitTryAgain
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		switch errno { // the others are about what was asked for
		case syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.EIO,
			syscall.ESTALE:
			return ExitTryAgain
		case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
			syscall.ENETDOWN, syscall.ETIMEDOUT:
			return ExitUnavailable
		}
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return ExitTryAgain
	}
	return 0
}
