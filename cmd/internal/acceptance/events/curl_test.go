package events

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/testtool"
)

// briefsCall is the brief's own call, to the port that the collector has when nothing is set.
const briefsCall = `curl -X POST "http://localhost:8001/collect" \
  -H "Content-Type: application/json" \
  -d '` + briefsBody + "'"

// byCurl has a shell and curl make the brief's own call, which is answered 200, and finds its event in gold.
func byCurl(t *testing.T, b *harness.Live, url string) {
	if _, err := exec.LookPath("curl"); err != nil {
		testtool.Missing(t, "the brief's own call: %v", err)
	}
	answer := filepath.Join(t.TempDir(), "answer")
	call := strings.Replace(briefsCall, "http://localhost:8001", strings.Replace(url, "127.0.0.1", "localhost", 1), 1)
	curl := exec.CommandContext(t.Context(), "sh", "-c", call+` -sS -o "$0" -w '%{http_code}'`, answer)
	out, err := curl.CombinedOutput()
	if err != nil || string(out) != "200" {
		t.Fatalf("%s\nis answered %s: %v", call, out, err)
	}
	text, err := os.ReadFile(answer) //nolint:gosec // of this test
	harness.Must(t, err)
	var sent answerOfPackage
	if harness.Must(t, json.Unmarshal(text, &sent)); len(sent.Items) != 1 {
		t.Fatalf("%s", text)
	}
	const want = `Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent` +
		"\tWallet\tcompany-123\tuser-456\tfinancial\t" + `{"id":"123","amount":100.50}`
	got := ""
	b.Until("the event of curl is in gold", func() bool {
		got = strings.TrimSpace(b.SQL("SELECT type, target_subscription, new_context_account_id, new_context_user_id, "+
			"context, data_verbatim FROM events FINAL WHERE event_id = '%s'", sent.Items[0].ID))
		return got != ""
	})
	if got != want {
		t.Errorf("gold has\n%q, want\n%q", got, want)
	}
}
