package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestTheStreamWaitsForTheMLAPI has the ML API refuse every row, then a proxy refuse every call, then none of it be
// there: the member says so and waits, and none of it makes a dead letter.
func TestTheStreamWaitsForTheMLAPI(t *testing.T) {
	const rows = 400
	b := newLiveBench(t)
	messages, bad := b.produce(rows)
	b.api.harmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { refuseAll(w) })
	watch := freeAddr(t)
	member := b.start("stream", "classify", "--watch-addr", watch)
	ready := func(words string) func() bool {
		return func() bool {
			code, text := get(t, "http://"+watch+"/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(text, words)
		}
	}
	b.until("/readyz says that it refuses everything", ready("refuses too many rows"))
	for status, words := range map[int]string{http.StatusBadRequest: "answers 400", http.StatusUnauthorized: "answers 401",
		http.StatusNotFound: "answers 404"} {
		b.api.harmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { http.Error(w, "no", status) })
		b.until("/readyz says that it "+words, ready(words))
	}
	b.api.harm.Store(nil)
	b.reaches("messages are in the ledger", messages, func() int { return b.count(outcomesOfStream) })
	if n := b.count("SELECT count() FROM dead_letters FINAL"); n != bad {
		t.Errorf("%d dead letters, want %d", n, bad)
	}
	member.terminate(t)
	if code := member.wait(t); code != 0 || !strings.Contains(member.stderr.String(),
		"waiting for the ML API to be put right") {
		t.Errorf("exit %d\n%s", code, member.stderr.String())
	}
}
