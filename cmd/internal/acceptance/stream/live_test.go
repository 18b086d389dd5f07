package stream

import (
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// liveBench is a live bench with what only these tests need.
type liveBench struct{ *harness.Live }

func newLiveBench(t *testing.T, env ...string) *liveBench {
	t.Helper()
	return &liveBench{harness.NewLive(t, env...)}
}
