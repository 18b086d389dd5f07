package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only an engine of a known checksum is fetched, unless its user accepts the registry's own.
func TestEnginesWithoutAChecksumAreRefused(t *testing.T) {
	t.Parallel()
	for platform, want := range map[string]struct{ refused, accepted string }{ // the error says; "": there is none
		"linux/amd64":   {"", ""},
		"linux/arm64":   {"TXFLOW_ENGINE_UNPINNED=1", ""},
		"darwin/amd64":  {"TXFLOW_ENGINE_UNPINNED=1", ""},
		"darwin/arm64":  {"TXFLOW_ENGINE_UNPINNED=1", ""},
		"windows/amd64": {"there is none", "there is none"},
		"linux/386":     {"there is none", "there is none"},
		"":              {"there is none", "there is none"},
	} {
		for accepted, says := range map[bool]string{false: want.refused, true: want.accepted} {
			pkg, err := packageFor(platform, accepted)
			switch {
			case says == "" && (err != nil || !strings.HasPrefix(pkg.name, "@chdb/lib-")):
				t.Errorf("%s, accepted %v: %+v, %v", platform, accepted, pkg, err)
			case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
				t.Errorf("%s, accepted %v: %v, want %q", platform, accepted, err, says)
			case !accepted && err == nil && !strings.HasPrefix(pkg.integrity, "sha512-"):
				t.Errorf("%s is fetched without a checksum", platform)
			}
		}
	}
}

// An archive whose checksum is another one is not used.
func TestAnArchiveOfAnotherChecksumIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "engine.tgz")
	if err := os.WriteFile(path, []byte("not the engine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify(path, enginePackages["linux/amd64"].integrity); err == nil ||
		!strings.Contains(err.Error(), "it is not used") {
		t.Errorf("%v", err)
	}
}
