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

	"github.com/txflow/txflow/internal/fault"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// TestExplain has the exit code for each kind of error. None of ClickHouse's own is "bad data": the rows were checked
// before.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := &Store{where: "h:8123"}
	exception := func(code int32) error { return &clickhouse.Exception{Code: code, Name: "X", Message: "m"} }
	for name, c := range map[string]struct {
		err   error
		want  int
		again bool // at once, by the store itself
	}{
		"no tables":                 {exception(codeUnknownTable), fault.ExitUnavailable, false},
		"no database":               {exception(codeUnknownDatabase), fault.ExitUnavailable, false},
		"wrong password":            {exception(codeAuthentication), fault.ExitUnavailable, false},
		"no rights":                 {exception(497), fault.ExitUnavailable, false},
		"no rights to a database":   {exception(291), fault.ExitUnavailable, false},
		"a profile that only reads": {exception(164), fault.ExitUnavailable, false},
		"a profile's limit":         {exception(452), fault.ExitUnavailable, false},
		"another address":           {exception(195), fault.ExitUnavailable, false},
		"a replica without keeper":  {exception(242), fault.ExitTryAgain, true},
		"no memory":                 {exception(173), fault.ExitTryAgain, true},
		"memory limit":              {exception(241), fault.ExitTryAgain, true},
		"no keeper":                 {exception(225), fault.ExitTryAgain, true},
		"too many open files":       {exception(76), fault.ExitTryAgain, true},
		"a code nobody knows":       {exception(12345), fault.ExitTryAgain, false},
		"a code by HTTP":            {errors.New("Code: 12345. DB::Exception: m"), fault.ExitTryAgain, false},
		"no memory by HTTP": {errors.New("[HTTP 500] response body: \"Code: 173. DB::Exception: m\""),
			fault.ExitTryAgain, true},
		"a wrong statement":          {exception(62), fault.ExitFault, false},
		"a column that is missing":   {exception(47), fault.ExitFault, false},
		"nothing listens":            {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, fault.ExitUnavailable, true},
		"a cut":                      {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), fault.ExitUnavailable, true},
		"a deadline":                 {context.DeadlineExceeded, fault.ExitUnavailable, true},
		"a proxy":                    {&clickhouse.HTTPError{StatusCode: http.StatusBadGateway}, fault.ExitUnavailable, true},
		"an interrupt":               {context.Canceled, fault.ExitInterrupted, false},
		"a fault of ours":            {errors.New("converting String to *int is unsupported"), fault.ExitFault, false},
		"what the rows' reader says": {fault.Failf(fault.ExitData, "a damaged part"), fault.ExitData, false},
	} {
		if got := fault.ExitCode(s.explain(fmt.Errorf("do: %w", c.err))); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
		if got := Retryable(c.err); got != c.again {
			t.Errorf("%s: retryable is %t", name, got)
		}
	}
}
