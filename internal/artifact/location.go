package artifact

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/txflow/txflow/internal/fault"
)

// location is a parsed URL: a local path, or a bucket with its parameters and a key in it.
type location struct {
	url    string // as it was given; holds no credentials
	path   string // of a local file
	bucket string
	key    string
}

func (l location) local() bool    { return l.bucket == "" }
func (l location) String() string { return l.url }

// name is the bucket's name alone.
func (l location) name() string {
	u, err := url.Parse(l.bucket)
	if err != nil { // it was made from a parsed one
		return ""
	}
	return u.Host
}

// isURL reports whether a text is a URL rather than a path.
func isURL(s string) bool {
	i := strings.Index(s, "://")
	if i < 2 {
		return false
	}
	for j, c := range s[:i] {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || j > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' ||
			c == '.')) {
			return false
		}
	}
	return true
}

// parse reads a URL or path. What can not be used is an error with exit code 64 that shows no credentials.
func parse(s string) (location, error) {
	if !isURL(s) {
		if s == "" {
			return location{}, fault.Failf(fault.ExitUsage, "an artifact's URL or path is empty")
		}
		return location{url: s, path: filepath.Clean(s)}, nil
	}
	u, err := url.Parse(s)
	if err != nil { // its text would repeat the URL, with whatever secret is in it
		scheme, _, _ := strings.Cut(s, "://")
		return location{}, fault.Failf(fault.ExitUsage, "the artifact's %s URL can not be parsed", scheme)
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" || u.User != nil {
			return location{}, fault.Failf(fault.ExitUsage, "%s: a file URL is file:///absolute/path", u.Redacted())
		}
		return location{url: s, path: filepath.Clean(u.Path)}, nil
	case "s3", "gs", "azblob", "mem":
	default:
		return location{}, fault.Failf(fault.ExitUsage, "artifacts can not be at %s:// URLs: use a path, file://, s3://, "+
			"gs:// or azblob://", u.Scheme)
	}
	query := u.Query()
	if name, secret := credentials(u, query); secret {
		return location{}, fault.WithHint(fault.Failf(fault.ExitUsage, "the URL of %s://%s holds credentials (%s)", u.Scheme,
			u.Host, name),
			"URLs end up in logs and manifests: give credentials by the cloud's own variables, such as AWS_ACCESS_KEY_ID and "+
				"AWS_SECRET_ACCESS_KEY")
	}
	if u.Host == "" {
		return location{}, fault.Failf(fault.ExitUsage, "%s names no bucket", s)
	}
	ownServer := query.Has("endpoint") || os.Getenv("AWS_ENDPOINT_URL_S3") != "" || os.Getenv("AWS_ENDPOINT_URL") != ""
	if u.Scheme == "s3" && ownServer && !query.Has("use_path_style") && !query.Has("s3ForcePathStyle") {
		query.Set("use_path_style", "true") // an own server rarely has a DNS name for each bucket
	}
	if u.Scheme == "s3" && !query.Has("response_checksum_validation") {
		query.Set("response_checksum_validation", "when_required") // our own digest is checked; the SDK would warn on stderr
	}
	key := strings.TrimLeft(path.Clean("/"+u.Path), "/")
	bucket := url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: query.Encode()}
	return location{url: s, bucket: bucket.String(), key: key}, nil
}

// credentials names the part of a URL that looks like a secret.
func credentials(u *url.URL, query url.Values) (string, bool) {
	if u.User != nil {
		return "user", true
	}
	for name, values := range query {
		switch lower := strings.ToLower(name); {
		case lower == "kmskeyid":
		case lower == "sig", strings.Contains(lower, "secret"), strings.Contains(lower, "password"),
			strings.Contains(lower, "token"),
			strings.Contains(lower, "signature"), strings.Contains(lower, "credential"), strings.Contains(lower, "accesskey"),
			strings.Contains(lower, "access_key"):
			return name, true
		}
		for _, v := range values {
			if inner, err := url.Parse(v); err == nil && inner.User != nil {
				return name, true
			}
		}
	}
	return "", false
}

// Join appends elements to a URL or path; a URL's parameters stay after it.
func Join(base string, elems ...string) string {
	if isURL(base) {
		if u, err := url.Parse(base); err == nil {
			u.Path, u.RawPath = path.Join(append([]string{"/", u.Path}, elems...)...), ""
			return u.String()
		}
	}
	return filepath.Join(append([]string{base}, elems...)...)
}

// Canonical returns the one URL of an artifact: an absolute file:// URL for what is local, anything else with its path
// cleaned and its parameters sorted. The file need not be there.
func Canonical(s string) (string, error) {
	at, err := parse(s)
	if err != nil {
		return "", err
	}
	if !at.local() {
		u, err := url.Parse(s)
		if err != nil {
			return "", fault.Failf(fault.ExitUsage, "%s can not be parsed", at)
		}
		u.Path, u.RawPath, u.RawQuery = "/"+at.key, "", u.Query().Encode()
		return u.String(), nil
	}
	abs, err := filepath.Abs(at.path)
	if err != nil {
		return "", fault.Failf(fault.ExitFault, "make %s absolute: %w", at, err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String(), nil
}
