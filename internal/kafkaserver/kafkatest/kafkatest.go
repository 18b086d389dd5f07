// Package kafkatest gives tests a real Kafka. Where it can not be had, they are skipped, loudly; where
// TXFLOW_REQUIRE_TOOLS is set they fail.
package kafkatest

import (
	"os"
	"testing"

	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/internal/testtool"
)

// Start starts a broker that lives as long as the test.
func Start(t testing.TB, proxied *kafkaserver.Door) *kafkaserver.Server {
	t.Helper()
	lib, err := kafkaserver.Fetch(t.Context(), os.Stderr)
	if err != nil {
		testtool.Missing(t, "%v", err)
	}
	s, err := kafkaserver.Start(t.Context(), lib, t.TempDir(), proxied)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}
