package artifact

import (
	"net"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

// TestAnUnknownHost is an error of configuration, unless the name is that of a container, which goes and comes with it.
func TestAnUnknownHost(t *testing.T) {
	t.Parallel()
	at := location{bucket: "s3://bucket?endpoint=http://x", key: "key"}
	for _, c := range []struct {
		err  net.DNSError
		code int
	}{
		{net.DNSError{Name: "s3.eu-west-9.amazonaws.example", IsNotFound: true}, fault.ExitUsage},
		{net.DNSError{Name: "bucket.s3.example.", IsNotFound: true}, fault.ExitUsage},
		{net.DNSError{Name: "minio", IsNotFound: true}, fault.ExitUnavailable},
		{net.DNSError{Name: "bucket.minio", IsNotFound: true}, fault.ExitUnavailable},
		{net.DNSError{Name: "s3.example", IsTemporary: true}, fault.ExitUnavailable},
	} {
		if err := fail(at, "read", &c.err); fault.ExitCode(err) != c.code {
			t.Errorf("%s: want exit code %d, got %v (%d)", c.err.Name, c.code, err, fault.ExitCode(err))
		}
	}
}
