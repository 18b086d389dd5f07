// Package docs runs the commands that the pages of the documentation show, against the real engines, and compares what
// they print with what the pages show.
package docs

import (
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
