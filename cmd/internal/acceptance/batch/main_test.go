// Package batch tests files of transactions end to end: by hand, as a scheduler runs them, killed, and short of
// resources.
package batch

import (
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
