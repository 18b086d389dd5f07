package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// TestExitCode has a verdict for every kind of chain. A scheduler tries 69 and 75 again.
func TestExitCode(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	wrap := func(err error) error { return fmt.Errorf("wrapped: %w", err) }
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nothing":              {nil, 0},
		"nothing, failed":      {Fail(ExitData, nil), 0},
		"a plain error":        {plain, ExitFault},
		"a coded one":          {Fail(ExitData, plain), ExitData},
		"a coded one, wrapped": {wrap(Fail(ExitUnavailable, plain)), ExitUnavailable},
		"an adapter's 69 under 65": {Failf(ExitData, "read: %w", wrap(Fail(ExitUnavailable, plain))),
			ExitUnavailable},
		"an adapter's 75 under 65":             {Failf(ExitData, "read: %w", Fail(ExitTryAgain, plain)), ExitTryAgain},
		"an adapter's 75 under 69":             {Fail(ExitUnavailable, Fail(ExitTryAgain, plain)), ExitTryAgain},
		"bad data under 69":                    {Fail(ExitUnavailable, wrap(Fail(ExitData, plain))), ExitData},
		"wrong usage under 65 under 69":        {Fail(ExitUnavailable, Fail(ExitData, Fail(ExitUsage, plain))), ExitUsage},
		"a hint":                               {WithHint(wrap(Fail(ExitData, plain)), "do"), ExitData},
		"a hint on a plain error":              {WithHint(plain, "do"), ExitFault},
		"a hint, and then a code":              {Fail(ExitData, WithHint(Fail(ExitTryAgain, plain), "do")), ExitTryAgain},
		"an interrupt":                         {wrap(context.Canceled), ExitInterrupted},
		"an interrupt called bad data":         {Fail(ExitData, wrap(context.Canceled)), ExitInterrupted},
		"an interrupt called unavailable":      {Fail(ExitUnavailable, wrap(context.Canceled)), ExitInterrupted},
		"a fault while interrupted":            {Fail(ExitInterrupted, plain), ExitInterrupted},
		"a deadline":                           {wrap(context.DeadlineExceeded), ExitTryAgain},
		"a deadline called bad data":           {Fail(ExitData, wrap(context.DeadlineExceeded)), ExitTryAgain},
		"a deadline called wrong usage":        {Fail(ExitUsage, wrap(context.DeadlineExceeded)), ExitTryAgain},
		"a deadline called unavailable":        {Fail(ExitUnavailable, wrap(context.DeadlineExceeded)), ExitUnavailable},
		"a deadline of a file":                 {wrap(os.ErrDeadlineExceeded), ExitTryAgain},
		"nothing listens":                      {&url.Error{Op: "Post", URL: "http://x", Err: dial}, ExitUnavailable},
		"nothing listens, called bad data":     {Fail(ExitData, wrap(dial)), ExitUnavailable},
		"nothing listens, called try again":    {Fail(ExitTryAgain, wrap(dial)), ExitTryAgain},
		"a name that does not resolve in time": {&net.DNSError{IsTimeout: true}, ExitTryAgain},
		"a reset connection":                   {wrap(syscall.ECONNRESET), ExitUnavailable},
		"a full disk":                          {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, ExitTryAgain},
		"too many open files": {Fail(ExitUsage, &fs.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}),
			ExitTryAgain},
		"no such file":             {Fail(ExitData, &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}), ExitData},
		"no such file, uncoded":    {&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, ExitFault},
		"a short file":             {Fail(ExitData, io.ErrUnexpectedEOF), ExitData},
		"joined with an interrupt": {errors.Join(context.Canceled, Fail(ExitData, plain)), ExitData},
		"joined, the first counts": {errors.Join(Fail(ExitTryAgain, plain), Fail(ExitData, plain), context.Canceled),
			ExitTryAgain},
		"joined with plain ones": {errors.Join(plain, Fail(ExitData, plain)), ExitData},
		"two in one text":        {fmt.Errorf("%w (%w)", context.Canceled, plain), ExitInterrupted},
		"joined, under a code":   {Fail(ExitData, errors.Join(plain, dial)), ExitUnavailable},
		"nothing to do":          {wrap(Fail(ExitNothing, plain)), ExitNothing},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
		if got := Transient(c.err); got != (c.want == ExitUnavailable || c.want == ExitTryAgain) {
			t.Errorf("%s: transient is %t", name, got)
		}
	}
	if Hint(wrap(WithHint(Fail(ExitData, WithHint(plain, "inner")), "outer"))) != "outer" || Hint(plain) != "" {
		t.Error("the outermost hint counts")
	}
	if Hint(OrHint(wrap(WithHint(plain, "inner")), "outer")) != "inner" || Hint(OrHint(plain, "outer")) != "outer" ||
		OrHint(nil, "outer") != nil {
		t.Error("OrHint adds a hint only where there is none")
	}
}
