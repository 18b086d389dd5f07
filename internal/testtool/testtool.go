// Package testtool decides in one place what a test does whose tool is missing.
package testtool

import (
	"os"
	"testing"
)

// Require is the environment variable under which a missing tool fails a test; CI sets it.
const Require = "TXFLOW_REQUIRE_TOOLS"

// Missing ends a test that needs a tool, an engine or a right that this machine does not have. The test is skipped and
// says NOT RUN; where TXFLOW_REQUIRE_TOOLS is set it fails. The arguments are those of fmt.Sprintf.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(Require) != "" {
		t.Fatalf("NOT RUN, although "+Require+" is set: "+format, args...)
	}
	t.Skipf("NOT RUN: "+format, args...)
}
