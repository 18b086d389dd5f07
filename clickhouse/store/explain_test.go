package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/batch"
)

// TestExplain has the exit code for each kind of error. None of ClickHouse's own is "bad data": the rows were checked before.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := &Store{where: "h:8123"}
	exception := func(code int32) error { return &clickhouse.Exception{Code: code, Name: "X", Message: "m"} }
	for name, c := range map[string]struct {
		err   error
		want  int
		again bool // at once, by the store itself
	}{
		"no tables":                  {exception(codeUnknownTable), batch.ExitUnavailable, false},
		"no database":                {exception(codeUnknownDatabase), batch.ExitUnavailable, false},
		"wrong password":             {exception(codeAuthentication), batch.ExitUnavailable, false},
		"no rights":                  {exception(codeAccessDenied), batch.ExitUnavailable, false},
		"no memory":                  {exception(173), batch.ExitTryAgain, true},
		"memory limit":               {exception(241), batch.ExitTryAgain, true},
		"no keeper":                  {exception(225), batch.ExitTryAgain, true},
		"too many open files":        {exception(76), batch.ExitTryAgain, true},
		"a code nobody knows":        {exception(12345), batch.ExitTryAgain, false},
		"a code by HTTP":             {errors.New("Code: 12345. DB::Exception: m"), batch.ExitTryAgain, false},
		"no memory by HTTP":          {errors.New("[HTTP 500] response body: \"Code: 173. DB::Exception: m\""), batch.ExitTryAgain, true},
		"a wrong statement":          {exception(62), batch.ExitFault, false},
		"a column that is missing":   {exception(47), batch.ExitFault, false},
		"nothing listens":            {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, batch.ExitUnavailable, true},
		"a cut":                      {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), batch.ExitUnavailable, true},
		"a deadline":                 {context.DeadlineExceeded, batch.ExitUnavailable, true},
		"a proxy":                    {&clickhouse.HTTPError{StatusCode: http.StatusBadGateway}, batch.ExitUnavailable, true},
		"an interrupt":               {context.Canceled, batch.ExitInterrupted, false},
		"a fault of ours":            {errors.New("converting String to *int is unsupported"), batch.ExitFault, false},
		"what the rows' reader says": {batch.Failf(batch.ExitData, "a damaged part"), batch.ExitData, false},
	} {
		if got := batch.ExitCode(s.explain(fmt.Errorf("do: %w", c.err))); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
		if got := Retryable(c.err); got != c.again {
			t.Errorf("%s: retryable is %t", name, got)
		}
	}
}
