package artifact_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
)

// TestWhatCannotHealIsNotTriedAgain tells errors of a store that every try meets again (64) from those that pass (69,
// 75).
func TestWhatCannotHealIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are refused
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := answering(t, http.StatusNotFound, "NoSuchKey")
	for name, c := range map[string]struct {
		url  string
		code int
		hint string
	}{
		"no region": {"s3://bucket/key?anonymous=true&region=no%20region", fault.ExitUsage, "region"},
		"an endpoint's scheme": {"s3://bucket/key?region=eu-west-3&anonymous=true&endpoint=minio:9000", fault.ExitUsage,
			"endpoint"},
		"no TLS": {"s3://bucket/key?region=eu-west-3&anonymous=true&endpoint=" + strings.Replace(plain, "http:",
			"https:", 1), fault.ExitUsage, "endpoint"},
		"its certificate": {"s3://bucket/key?region=eu-west-3&anonymous=true&endpoint=" + secure.URL, fault.ExitUsage,
			"trust"},
		"no bucket":            {s3(answering(t, 404, "NoSuchBucket")), fault.ExitUsage, "bucket"},
		"another region":       {s3(answering(t, 301, "PermanentRedirect")), fault.ExitUsage, "region"},
		"a region's signature": {s3(answering(t, 400, "AuthorizationHeaderMalformed")), fault.ExitUsage, "region"},
		"an unknown key":       {s3(answering(t, 403, "InvalidAccessKeyId")), fault.ExitUsage, "AWS_ACCESS_KEY_ID"},
		"a wrong secret":       {s3(answering(t, 403, "SignatureDoesNotMatch")), fault.ExitUsage, "AWS_SECRET_ACCESS_KEY"},
		"an old token":         {s3(answering(t, 400, "ExpiredToken")), fault.ExitUsage, "credentials"},
		"the clock":            {s3(answering(t, 403, "RequestTimeTooSkewed")), fault.ExitUsage, "clock"},
		"not allowed":          {s3(answering(t, 403, "AccessDenied")), fault.ExitUsage, "credentials"},
		"no object":            {s3(plain), fault.ExitData, ""},
		"too much":             {s3(answering(t, 503, "SlowDown")), fault.ExitUnavailable, "endpoint"},
		"a slow upload":        {s3(answering(t, 400, "RequestTimeout")), fault.ExitUnavailable, "endpoint"},
		"the store's fault":    {s3(answering(t, 500, "InternalError")), fault.ExitUnavailable, "endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := artifact.New(t.Context())
			defer func() { must0(t, store.Close()) }()
			_, err := batch.ReadAll(t.Context(), store, c.url, "")
			if fault.ExitCode(err) != c.code || !strings.Contains(fault.Hint(err), c.hint) {
				t.Errorf("read: want exit code %d and %q, got %v (%d), %q", c.code, c.hint, err, fault.ExitCode(err),
					fault.Hint(err))
			}
			if c.code == fault.ExitData {
				return
			}
			_, err = batch.WriteAll(t.Context(), store, c.url, []byte("x"))
			if fault.ExitCode(err) != c.code || !strings.Contains(fault.Hint(err), c.hint) {
				t.Errorf("write: want exit code %d and %q, got %v (%d), %q", c.code, c.hint, err, fault.ExitCode(err),
					fault.Hint(err))
			}
		})
	}
}

func s3(server string) string {
	return "s3://bucket/key?region=eu-west-3&anonymous=true&use_path_style=true&endpoint=" + server
}

// answering is the address of a server that answers every request as S3 does, with an error.
func answering(t *testing.T, status int, code string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as S3 says it</Message></Error>", code)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
