package stream

import (
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// TestTheStreamWaitsForTheMLAPI has the ML API refuse every row, then a proxy refuse every call, then none of it be
// there: the member says so and waits, and none of it makes a dead letter.
func TestTheStreamWaitsForTheMLAPI(t *testing.T) {
	const rows = 400
	b := newLiveBench(t)
	messages, bad := b.Produce(rows)
	b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { harness.RefuseAll(w) })
	watch := harness.FreeAddr(t)
	member := b.Start("stream", "classify", "--watch-addr", watch)
	ready := func(words string) func() bool {
		return func() bool {
			code, text := harness.Get(t, "http://"+watch+"/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(text, words)
		}
	}
	b.Until("/readyz says that it refuses everything", ready("refuses too many rows"))
	for status, words := range map[int]string{http.StatusBadRequest: "answers 400", http.StatusUnauthorized: "answers 401",
		http.StatusNotFound: "answers 404"} {
		b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { http.Error(w, "no", status) })
		b.Until("/readyz says that it "+words, ready(words))
	}
	b.API.Harm.Store(nil)
	b.Reaches("messages are in the ledger", messages, func() int { return b.Count(harness.OutcomesOfStream) })
	// They are in the ledger by another topic's reader than in their table.
	deadLetters := func() int { return b.Count("SELECT count() FROM dead_letters FINAL") }
	b.Reaches("dead letters are stored", bad, deadLetters)
	if n := deadLetters(); n != bad {
		t.Errorf("%d dead letters, want %d", n, bad)
	}
	member.Terminate(t)
	if code := member.Wait(t); code != 0 || !strings.Contains(member.Stderr.String(),
		"waiting for the ML API to be put right") {
		t.Errorf("exit %d\n%s", code, member.Stderr.String())
	}
}
