//go:build !noembed

package events

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// TestContractOfTheCollector has schemathesis make requests from /openapi.json, good ones and bad ones, and compare
// each answer
// with what is documented. TXFLOW_SCHEMATHESIS names the program: make test-contract installs it.
func TestContractOfTheCollector(t *testing.T) {
	t.Parallel()
	program := os.Getenv("TXFLOW_SCHEMATHESIS")
	if program == "" {
		t.Skip("NOT RUN: make test-contract runs it, with schemathesis")
	}
	b := harness.NewLive(t)
	const token = "0123456789abcdef-contract"
	harness.Must(t, os.WriteFile(filepath.Join(b.Dir, "tokens"), []byte("contract "+token+"\n"), 0o600))
	collector := b.Start("collect", "--addr", "127.0.0.1:0", "--schema-id", "1", "--token-file", "tokens")
	url := "http://" + collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	ready(t, url)
	run := exec.CommandContext(t.Context(), harness.MustAbs(t, program), "--config-file", "schemathesis.toml", "run",
		"--no-color", "-H", "Authorization: Bearer "+token, url+"/openapi.json")
	run.Dir = "contract"
	said, err := run.CombinedOutput()
	if t.Logf("%.20000s", said); err != nil || !strings.Contains(string(said), "6 selected / 6 total") {
		t.Errorf("schemathesis: %v\n%s", err, collector.Stderr.String())
	}
	if status, body := sendBodyAs(t, url, token, briefsBody); status != 200 {
		t.Errorf("afterwards: %d %s", status, body)
	}
}
