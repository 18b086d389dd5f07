package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

const shopToken, mailToken = "shop-0123456789abcdef", "mail-0123456789abcdef"

// tokenFile writes a file of tokens, at another time than before.
func tokenFile(t *testing.T, path, content string, at int64) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
		t.Fatal(err)
	}
}

// TestTokens rotates a token while its sender runs: both count, then the new one alone. A file that can not be used
// leaves what was.
func TestTokens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	tokenFile(t, path, "# senders\n\nshop "+shopToken+"\n", 1)
	tokens, err := NewTokens(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tokens.now, tokens.checked = func() time.Time { return now }, time.Time{}
	b := &broker{}
	s := server(t, Config{Addr: "0.0.0.0:0", Publisher: b, Tokens: tokens})
	status := func(token string) int {
		t.Helper()
		now = now.Add(2 * recheck)
		answer, res := post(t, s, "/collect", good, "Authorization", token)
		unknown := answer.status == http.StatusUnauthorized
		if unknown != (res.Code == "unauthorized") ||
			unknown != (answer.Header.Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%q: %+v %v", token, res, answer.Header)
		}
		return answer.status
	}
	for token, want := range map[string]int{"": 401, "Bearer": 401, "Basic " + shopToken: 401,
		"Bearer x" + shopToken: 401,
		"Bearer " + shopToken:  200, "bearer  " + shopToken: 200} {
		if got := status(token); got != want {
			t.Errorf("%q: %d", token, got)
		}
	}
	r := b.of(events.Raw)[0]
	_, value, _ := events.SplitHeader(r.Value)
	if e, err := events.ParseRaw(value); err != nil || e.Token != "shop" || header(r, events.HeaderToken) != "shop" {
		t.Errorf("%+v %v %q", e, err, r.Headers)
	}
	hashed := fmt.Sprintf("shop sha256:%x until=2026-06-01T00:00:00Z\nshop %s\n", sha256.Sum256([]byte("new"+shopToken)),
		shopToken)
	tokenFile(t, path, hashed, 2)
	if status("Bearer "+shopToken) != 200 || status("Bearer new"+shopToken) != 200 {
		t.Error("of two tokens of a name not both count")
	}
	tokenFile(t, path, "shop short\n", 3)
	if status("Bearer "+shopToken) != 200 {
		t.Error("a file that can not be used removes the tokens")
	}
	tokenFile(t, path, strings.Split(hashed, "\n")[0], 4)
	if status("Bearer "+shopToken) != 401 || status("Bearer new"+shopToken) != 200 {
		t.Error("a token that is gone counts")
	}
	now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	if status("Bearer new"+shopToken) != 401 {
		t.Error("a token counts after its end")
	}
	for _, bad := range []string{"", "# nothing\n", "shop\n", "a/b " + shopToken, "shop sha256:12",
		"shop " + shopToken + " until=tomorrow",
		"shop " + shopToken + " rate=0", "shop " + shopToken + " rate=NaN", "shop " + shopToken + " x=1",
		"shop " + shopToken + "\nmail " + shopToken} {
		if _, err := parseTokens(bad); err == nil || strings.Contains(err.Error(), shopToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRate has a token use up its rate: what is beyond is 429 with the time to wait, and others are not harmed.
func TestRate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	tokenFile(t, path, "shop "+shopToken+" rate=2\nmail "+mailToken+"\n", 1)
	tokens, err := NewTokens(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	b := &broker{}
	s := server(t, Config{Publisher: b, Tokens: tokens, MaxItems: 4, Now: func() time.Time { return now }})
	four := "[" + strings.Repeat(good+",", 3) + good + "]"
	send := func(token string) (int, string) {
		t.Helper()
		answer, _ := post(t, s, "/collect", four, "Authorization", "Bearer "+token)
		return answer.status, answer.Header.Get("Retry-After")
	}
	if status, _ := send(shopToken); status != 200 {
		t.Errorf("the first package: %d", status)
	}
	if status, after := send(shopToken); status != 429 || after != "2" {
		t.Errorf("beyond the rate: %d, after %q", status, after)
	}
	for range 3 {
		if status, _ := send(mailToken); status != 200 {
			t.Errorf("another sender: %d", status)
		}
	}
	now = now.Add(2 * time.Second)
	if status, _ := send(shopToken); status != 200 {
		t.Errorf("after the time to wait: %d", status)
	}
	if n := len(b.of(events.Raw)); n != 5*4 {
		t.Errorf("%d events are published", n)
	}
}

// states knows one event, of the sender shop.
type states struct{ id event.ID }

func (s states) EventState(_ context.Context, id event.ID) (*State, error) {
	if id != s.id {
		return nil, nil
	}
	return &State{ID: id.String(), State: "gold", Token: "shop"}, nil
}

// TestEventIsItsSenders has one sender ask for another's event.
func TestEventIsItsSenders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	tokenFile(t, path, "shop "+shopToken+"\nmail "+mailToken+"\n", 1)
	tokens, err := NewTokens(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := states{event.NewID()}
	s := server(t, Config{Publisher: &broker{}, Tokens: tokens, States: known})
	for _, c := range []struct {
		path, token string
		status      int
		body        string
	}{
		{known.id.String(), shopToken, 200, `"state":"gold"`}, {known.id.String(), mailToken, 404, "unknown_event"},
		{event.NewID().String(), shopToken, 404, "unknown_event"}, {"x", shopToken, 400, "invalid_id"},
		{known.id.String(), "", 401, "unauthorized"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events/"+c.path, nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

// TestAudit reads the log of good, refused and broken packages: who, when and what became of it, and nothing of what
// was sent. The log may be moved; while it can not be written, nothing is accepted.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "audit", "log.ndjson")
	audit, err := NewAudit(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = audit.Close() })
	b := &broker{}
	s := server(t, Config{Publisher: b, Audit: audit})
	secret := strings.Replace(good, `"T"`, `"se\"cret\n"`, 1)
	_, first := post(t, s, "/collect", "["+good+","+secret+"]", "Idempotency-Key", "secret-key")
	post(t, s, "/events", "secret")
	lines := func() (all []map[string]any) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil || bytes.Contains(line, []byte("secret")) {
				t.Errorf("%s: %v", line, err)
			}
			all = append(all, m)
		}
		return all
	}
	got := lines()
	if len(got) != 2 || got[0]["request"] != first.RequestID || got[0]["correlation"] != first.CorrelationID ||
		got[0]["status"] != 207.0 ||
		got[0]["accepted"] != 1.0 || got[0]["rejected"] != 1.0 || got[0]["idempotency_key"] != true ||
		got[0]["address"] != "192.0.2.1" ||
		got[1]["status"] != 400.0 || got[1]["code"] != "malformed_json" || got[1]["route"] != "/events" {
		t.Errorf("%v", got)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	audit.checked = time.Time{}
	if post(t, s, "/collect", good); len(lines()) != 1 {
		t.Errorf("after it was moved: %v", lines())
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	audit.checked = time.Time{}
	if answer, res := post(t, s, "/collect", good); answer.status != 503 || res.Code != "audit_log" {
		t.Errorf("a line that can not be written: %d %+v", answer.status, res)
	}
	before := len(b.of(events.Raw))
	if answer, _ := post(t, s, "/collect", good); answer.status != 503 || len(b.of(events.Raw)) != before ||
		get(s, "/ready").Code != 503 {
		t.Errorf("while it can not be written: %d, %d events", answer.status, len(b.of(events.Raw))-before)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	post(t, s, "/collect", good) // its line shows that the log is there again
	if answer, _ := post(t, s, "/collect", good); answer.status != 200 || get(s, "/ready").Code != 200 {
		t.Errorf("afterwards: %d", answer.status)
	}
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestKeys forgets keys when they are old, or too many.
func TestKeys(t *testing.T) {
	t.Parallel()
	k := keys{most: 3, keep: time.Hour}
	now := time.Now()
	conflict := func(key, body string) bool { return k.conflicts("t", key, []byte(body), now) }
	conflict("a", "1")
	if conflict("a", "1") || !conflict("a", "2") || k.conflicts("other", "a", []byte("2"), now) {
		t.Error("a key is its sender's, with one body")
	}
	now = now.Add(time.Hour)
	if conflict("a", "2") {
		t.Error("a key is remembered too long")
	}
	for i := range 10 {
		conflict(fmt.Sprint(i), "x")
	}
	if known, dropped := k.counts(); known > 4 || dropped < 6 {
		t.Errorf("%d keys are known, %d dropped", known, dropped)
	}
}
