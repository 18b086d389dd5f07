package transaction

import (
	"strings"
	"testing"
)

func TestCheckSource(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Code{
		"": CodeOK, "bank": CodeOK, "Crédit Agricole\u2028/1": CodeOK, strings.Repeat("é", MaxSource/2): CodeOK,
		"\ufffd":                         CodeOK,
		strings.Repeat("x", MaxSource+1): CodeTooLong, "\xff": CodeUTF8, "a\xed\xa0\x80": CodeUTF8,
		"a\x00b": CodeControl, "a\nb": CodeControl, "a\tb": CodeControl, "a\x7f": CodeControl, "a\u0085b": CodeControl,
		"\x1b[2J": CodeControl,
	} {
		if got := CheckSource([]byte(name)); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if err := ValidateSource(name); (err == nil) != (want == CodeOK) || err != nil && name != "" &&
			strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
