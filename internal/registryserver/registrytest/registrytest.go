// Package registrytest gives tests a real Schema Registry. Where it can not be had, they are skipped, loudly; where
// TXFLOW_REQUIRE_TOOLS is set they fail.
package registrytest

import (
	"errors"
	"os"
	"testing"

	"github.com/txflow/txflow/internal/registryserver"
	"github.com/txflow/txflow/internal/testtool"
)

// Start starts an empty registry that lives as long as the test.
func Start(t testing.TB) *registryserver.Server {
	t.Helper()
	java, err := registryserver.Java()
	if err != nil {
		testtool.Missing(t, "%v", err)
	}
	lib, err := registryserver.Fetch(t.Context(), os.Stderr)
	if err != nil && !errors.Is(err, registryserver.ErrNoToolchain) {
		t.Fatal(err)
	}
	if err != nil {
		testtool.Missing(t, "%v", err)
	}
	s, err := registryserver.Start(t.Context(), java, lib, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}
