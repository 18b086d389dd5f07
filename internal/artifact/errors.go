package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/txflow/txflow/internal/fault"

	"gocloud.dev/gcerrors"
)

// fail sorts the errors of stores into exit codes; what a context or the system says keeps its own (fault.ExitCode). It
// names the artifact and what was tried; a nil err stays nil.
func fail(at location, verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s %s: %w", verb, at, err)
	case at.local():
		return failLocal(at, verb, err)
	}
	if hint := permanent(at, err); hint != "" {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "%s %s: %w", verb, at, err), "%s", hint)
	}
	switch gcerrors.Code(err) { // whatever else fails may pass
	case gcerrors.DeadlineExceeded, gcerrors.ResourceExhausted:
		return fault.Failf(fault.ExitTryAgain, "%s %s: %w", verb, at, err)
	case gcerrors.NotFound:
		return fault.Fail(fault.ExitData, fmt.Errorf("%s %s: %w (%w)", verb, at, fs.ErrNotExist, err))
	case gcerrors.Canceled:
		return fmt.Errorf("%s %s: %w (%w)", verb, at, context.Canceled, err)
	case gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.Unimplemented, gcerrors.FailedPrecondition:
		return fault.WithHint(fault.Failf(fault.ExitUsage, "%s %s: %w", verb, at, err), fixAny)
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s %s: %w", verb, at, err),
		"is the object store up and its endpoint right?")
}

func failLocal(at location, verb string, err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) { // the names that the error repeats precede it already
		err = errno
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.WithHint(fault.Failf(fault.ExitTryAgain, "%s %s: disk full: %w", verb, at, err),
			"free space and run the same command again: it goes on where it was")
	case errors.Is(err, syscall.ELOOP):
		return fault.WithHint(fault.Failf(fault.ExitData, "%s %s: %w", verb, at, err),
			"a link in this path leads to itself: remove it, or name the file that it was meant for")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
		return fault.Failf(fault.ExitData, "%s %s: %w", verb, at, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.ENAMETOOLONG),
		errors.Is(err, errNotRegular):
		return fault.Failf(fault.ExitUsage, "%s %s: %w", verb, at, err)
	}
	return fault.Failf(fault.ExitTryAgain, "%s %s: %w", verb, at, err)
}
