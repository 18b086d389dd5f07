package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"gocloud.dev/gcerrors"

	"github.com/txflow/txflow/internal/batch"
)

// fail sorts the errors of stores into exit codes; what a context or the system says keeps its own (batch.ExitCode). It names the artifact and what was tried; a nil err stays nil.
func fail(at location, verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s %s: %w", verb, at, err)
	case at.local():
		return failLocal(at, verb, err)
	}
	switch gcerrors.Code(err) { //nolint:exhaustive // whatever else fails may pass
	case gcerrors.DeadlineExceeded, gcerrors.ResourceExhausted:
		return batch.Failf(batch.ExitTryAgain, "%s %s: %w", verb, at, err)
	case gcerrors.NotFound:
		return batch.Fail(batch.ExitData, fmt.Errorf("%s %s: %w (%w)", verb, at, fs.ErrNotExist, err))
	case gcerrors.Canceled:
		return fmt.Errorf("%s %s: %w (%w)", verb, at, context.Canceled, err)
	case gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.Unimplemented, gcerrors.FailedPrecondition:
		return batch.WithHint(batch.Failf(batch.ExitUsage, "%s %s: %w", verb, at, err), "check the bucket's name, region and credentials")
	}
	return batch.WithHint(batch.Failf(batch.ExitUnavailable, "%s %s: %w", verb, at, err), "is the object store up and its endpoint right?")
}

func failLocal(at location, verb string, err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) { // the names that the error repeats stand before it already
		err = errno
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return batch.WithHint(batch.Failf(batch.ExitTryAgain, "%s %s: disk full: %w", verb, at, err),
			"free space and run the same command again: it goes on where it was")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
		return batch.Failf(batch.ExitData, "%s %s: %w", verb, at, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG),
		errors.Is(err, errNotRegular):
		return batch.Failf(batch.ExitUsage, "%s %s: %w", verb, at, err)
	}
	return batch.Failf(batch.ExitTryAgain, "%s %s: %w", verb, at, err)
}
