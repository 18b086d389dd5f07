// Package secret holds URLs and settings that may contain a password or a token. They never print it: every way of
// formatting, encoding or logging one gives a redacted text, and only Reveal gives the real one.
package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Redacted replaces a secret.
const Redacted = "xxxxx"

// URL is an address that may hold credentials. The zero value is empty. The text is behind a pointer, so that printing
// a struct by reflection, which calls no methods of unexported fields, shows an address at most.
type URL struct{ text *string }

// NewURL keeps a URL as it was given; it need not be valid.
func NewURL(text string) URL { return URL{&text} }

// Reveal returns the real URL. It must not reach a message, a log, a span or an artifact.
func (u URL) Reveal() string {
	if u.text == nil {
		return ""
	}
	return *u.text
}

// String is the URL without its user, its password, its fragment and the values of its parameters, except those known
// to be harmless. Without any of these it is the text as it was given.
func (u URL) String() string {
	text := u.Reveal()
	if text == "" {
		return ""
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Opaque != "" { // user:password@host has its user as the scheme
		scheme, _, found := strings.Cut(text, "://")
		if !found || strings.ContainsAny(scheme, "@/?#") {
			return "(an address that cannot be parsed)"
		}
		return scheme + "://(an address that cannot be parsed)"
	}
	changed := parsed.User != nil || parsed.Fragment != ""
	if parsed.User != nil {
		parsed.User = url.User(Redacted)
	}
	parsed.Fragment, parsed.RawFragment = "", ""
	if parsed.RawQuery != "" {
		parsed.RawQuery, changed = redactQuery(parsed.RawQuery, changed)
	}
	if !changed {
		return text
	}
	return parsed.String()
}

// harmless are parameters whose values people need to see and that hold no secret.
var harmless = map[string]bool{"database": true, "region": true, "secure": true, "use_path_style": true, "prefix": true}

func redactQuery(query string, changed bool) (string, bool) {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && !harmless[strings.ToLower(name)] {
			pairs[i], changed = name+"="+Redacted, true
		}
	}
	return strings.Join(pairs, "&"), changed
}

// Host is the host and port, which are never secret; "" where the URL cannot be parsed.
func (u URL) Host() string {
	if parsed, err := url.Parse(u.Reveal()); err == nil {
		return parsed.Host
	}
	return ""
}

// Text is a setting that may be a secret as a whole: a token or a password. The zero value is empty.
type Text struct{ text *string }

// NewText keeps a setting.
func NewText(text string) Text { return Text{&text} }

// Reveal returns the real text. It must not reach a message, a log, a span or an artifact.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// String is Redacted, or empty for an empty text.
func (t Text) String() string {
	if t.Reveal() == "" {
		return ""
	}
	return Redacted
}

// Format implements fmt.Formatter for every verb, so that %x or %d give no secret either.
func (u URL) Format(s fmt.State, verb rune) { format(s, verb, u.String()) }

// GoString implements fmt.GoStringer.
func (u URL) GoString() string { return fmt.Sprintf("secret.URL(%q)", u.String()) }

// MarshalJSON implements json.Marshaler.
func (u URL) MarshalJSON() ([]byte, error) { return json.Marshal(u.String()) }

// MarshalText implements encoding.TextMarshaler, which flags, YAML and map keys use.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue implements slog.LogValuer.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// Format implements fmt.Formatter.
func (t Text) Format(s fmt.State, verb rune) { format(s, verb, t.String()) }

// GoString implements fmt.GoStringer.
func (t Text) GoString() string { return fmt.Sprintf("secret.Text(%q)", t.String()) }

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

func format(s fmt.State, verb rune, redacted string) {
	if verb == 'q' {
		redacted = fmt.Sprintf("%q", redacted)
	}
	_, _ = io.WriteString(s, redacted) // a formatter can not return an error
}
