package collect

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/txflow/txflow/stream/events"
)

// FuzzCollect posts anything: every answer is JSON with a status that is known, and counts what was published.
func FuzzCollect(f *testing.F) {
	for _, seed := range []string{good, "[" + good + "," + broken + "]", `[{"event_type":"A","company_id":"c"}]`, "[",
		"\xff", `[{"headers":"{\"type\":1}"}]`} {
		f.Add([]byte(seed), "k", "handling=strict")
		f.Add([]byte(seed), "", "")
	}
	b := &broker{}
	s, err := New(Config{Publisher: b, Schema: FixedSchema(7)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, key, prefer string) {
		b.records = nil
		headers := []string{"Prefer", prefer}
		if key != "" {
			headers = append(headers, "Idempotency-Key", key)
		}
		answer, res := post(t, s, "/collect", string(body), headers...)
		switch answer.status {
		case http.StatusOK, http.StatusMultiStatus, http.StatusBadRequest, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity:
		default:
			t.Fatalf("%d", answer.status)
		}
		if n := len(b.of(events.Raw)); n != res.Accepted {
			t.Fatalf("%d are accepted, %d published", res.Accepted, n)
		}
		for _, r := range b.of(events.Raw) {
			_, value, _ := events.SplitHeader(r.Value)
			e, err := events.ParseRaw(value)
			if err != nil || e.ID.String() != string(r.Key) || e.Type == "" || e.Data != "" && !json.Valid([]byte(e.Data)) ||
				e.Extra != "" && !json.Valid([]byte(e.Extra)) {
				t.Fatalf("%+v %v", e, err)
			}
		}
		for _, r := range b.of(events.DeadLetters) {
			if !json.Valid(r.Value) {
				t.Fatalf("%q", r.Value)
			}
		}
	})
}
