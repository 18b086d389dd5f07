// Package cli tests the command line itself: help, completion, terminals, secrets, and that the documentation says what
// is true.
package cli

import (
	"os"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/commands"
)

func TestMain(m *testing.M) {
	if os.Getenv(harness.AsMain) == "" {
		commandsText = commandsPage(commands.App()) // before a test runs one: flags keep what they are set to
	}
	harness.Main(m)
}
