// Package stream tests live transactions end to end, up to a Kafka, a network and processes that are harmed.
package stream

import (
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
