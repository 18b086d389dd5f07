package artifact

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

// TestCredentialsStayWithTheOperatorsServers has URLs name a server that notes what it is sent.
func TestCredentialsStayWithTheOperatorsServers(t *testing.T) {
	const token = "SESSION-TOKEN-SECRET"
	var mu sync.Mutex
	var got []string
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("X-Amz-Security-Token"))
		w.WriteHeader(http.StatusNotFound)
	}))
	defer sink.Close()
	host := strings.TrimPrefix(sink.URL, "http://")
	for _, c := range []struct {
		name, url string
		session   string
		allowed   string
		refused   bool
	}{
		{"a session token", "s3://b/x?region=eu-west-1&endpoint=" + sink.URL, token, "", true},
		{"another server is allowed", "s3://b/x?region=eu-west-1&endpoint=" + sink.URL, token, "minio:9000", true},
		{"this one is", "s3://b/x?region=eu-west-1&endpoint=" + sink.URL, token, "minio:9000, " + host, false},
		{"any is", "s3://b/x?region=eu-west-1&endpoint=" + sink.URL, token, "*", false},
		{"static keys", "s3://b/x?region=eu-west-1&endpoint=" + sink.URL, "", "", false},
		{"static keys, another profile", "s3://b/x?region=eu-west-1&profile=p&endpoint=" + sink.URL, "", "", true},
		{"static keys, a role", "s3://b/x?region=eu-west-1&role=arn&endpoint=" + sink.URL, "", "", true},
		{"nobody's", "s3://b/x?region=eu-west-1&anonymous=true&endpoint=" + sink.URL, token, "", false},
		{"in the clear", "s3://b/x?region=eu-west-1&disable_https=true", token, "", true},
		{"Azure", "azblob://b/x?storage_account=a&domain=" + host, "", "", true},
		{"Azure's emulator", "azblob://b/x?storage_account=a&localemu=true", "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AK")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "SK")
			t.Setenv("AWS_SESSION_TOKEN", c.session)
			t.Setenv(EndpointsVariable, c.allowed)
			got = nil
			s := New(context.Background())
			defer func() { _ = s.Close() }()
			_, err := s.Open(t.Context(), c.url, "")
			refused := fault.ExitCode(err) == fault.ExitUsage && fault.Hint(err) != ""
			if refused != c.refused || c.refused && len(got) > 0 || !c.refused && len(got) == 0 {
				t.Errorf("refused %t, the server got %q: %v", refused, got, err)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}
