package artifact

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/txflow/txflow/internal/fault"
)

// EndpointsVariable names the servers, as host:port or URL, separated by commas, that an artifact's URL may send the
// credentials of this process to; * allows any. URLs come from forms and manifests, which others write.
const EndpointsVariable = "TXFLOW_ARTIFACT_ENDPOINTS"

// redirecting are the parameters that make a bucket's client talk to another server than the cloud's own, or in the
// clear.
var redirecting = map[string][]string{
	"s3":     {"endpoint", "disable_https", "disableSSL"},
	"azblob": {"domain", "protocol", "cdn", "localemu"},
}

// permitted refuses a URL that would send the operator's credentials to a server which the operator did not name. Of S3
// a request holds a signature, and a session token where there is one: it is refused unless the credentials are known
// to be without, which static ones of the environment are.
func permitted(at location) error {
	u, err := url.Parse(at.bucket)
	if err != nil {
		return fault.Failf(fault.ExitUsage, "%s can not be parsed", at)
	}
	query := u.Query()
	for _, name := range redirecting[u.Scheme] {
		if !query.Has(name) || slices.Contains(allowedEndpoints(), "*") ||
			slices.Contains(allowedEndpoints(), server(query.Get(name))) {
			continue
		}
		if u.Scheme == "s3" && (query.Get("anonymous") == "true" || staticKeys() && !query.Has("profile") &&
			!query.Has("role")) {
			continue
		}
		return fault.WithHint(fault.Failf(fault.ExitUsage,
			"the URL of %s://%s names a server by %s: it would be sent this process's credentials", u.Scheme, u.Host, name),
			"where that is meant, the operator sets %s=%s; AWS_ENDPOINT_URL_S3 sets the server for all URLs", EndpointsVariable,
			server(query.Get(name)))
	}
	return nil
}

// staticKeys reports whether S3's credentials are keys without a session token.
func staticKeys() bool {
	return os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") != "" &&
		os.Getenv("AWS_SESSION_TOKEN") == ""
}

func allowedEndpoints() (allowed []string) {
	for _, e := range strings.Split(os.Getenv(EndpointsVariable), ",") {
		if e = strings.TrimSpace(e); e != "" {
			allowed = append(allowed, server(e))
		}
	}
	return allowed
}

// server is the host and port of an endpoint, which may be a URL.
func server(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		return strings.ToLower(u.Host)
	}
	return strings.ToLower(endpoint)
}
