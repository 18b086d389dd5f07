package server

import (
	"os"
	"os/exec"
	"testing"
)

// needTool returns the path of a program that a test compares with. Without it the test is skipped, loudly; where
// TXFLOW_REQUIRE_TOOLS is 1 it fails.
func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("TXFLOW_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is required here: %v", name, err)
	}
	t.Skipf("NOT RUN: %s is not installed, so nothing was compared with it", name)
	return ""
}
