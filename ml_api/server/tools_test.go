package server

import (
	"os/exec"
	"testing"

	"github.com/txflow/txflow/internal/testtool"
)

// needTool returns the path of a program that a test compares with. Without it the test is skipped, loudly; where
// TXFLOW_REQUIRE_TOOLS is 1 it fails.
func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	testtool.Missing(t, "%s is not installed, so nothing was compared with it: %v", name, err)
	return ""
}
