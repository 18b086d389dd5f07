// Package events tests business events end to end: from POST /collect to gold.
package events

import (
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
