package collect

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestPages refuses web pages that are not configured, and lets in those that are.
func TestPages(t *testing.T) {
	t.Parallel()
	ask := func(h http.Handler, method, host string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/collect", strings.NewReader(good))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	closed := server(t, Config{Publisher: &broker{}}).guarded()
	open := server(t, Config{Publisher: &broker{}, Origins: []string{"https://shop.example"}}).guarded()
	var documented struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Content map[string]any }
		}
	}
	if err := contract().Decode(&documented); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got    *httptest.ResponseRecorder
		status int
		allow  string
	}{
		"no page":        {ask(closed, http.MethodPost, "localhost:8001"), 200, ""},
		"another name":   {ask(closed, http.MethodPost, "evil.example"), 421, ""},
		"another's page": {ask(closed, http.MethodPost, "localhost:8001", "Origin", "https://shop.example"), 403, ""},
		"another's asks": {ask(closed, http.MethodOptions, "localhost:8001", "Origin", "https://shop.example",
			"Access-Control-Request-Method", "POST"), 403, ""},
		"a page": {ask(open, http.MethodPost, "collect.example", "Origin", "https://shop.example"), 200,
			"https://shop.example"},
		"a page asks": {ask(open, http.MethodOptions, "collect.example", "Origin", "https://shop.example",
			"Access-Control-Request-Method", "POST"), 204, "https://shop.example"},
		"not that page":     {ask(open, http.MethodPost, "localhost", "Origin", "https://evil.example"), 403, ""},
		"none, with a list": {ask(open, http.MethodPost, "localhost"), 200, ""},
	} {
		if c.got.Code != c.status || c.got.Header().Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%s: %d %v", name, c.got.Code, c.got.Header())
		}
		kind, _, _ := strings.Cut(c.got.Header().Get("Content-Type"), ";")
		answers := documented.Paths["/collect"]["post"].Responses
		if _, ok := answers[strconv.Itoa(c.status)].Content[kind]; !ok && c.status != 204 {
			t.Errorf("%s: %d with %s is not in the contract", name, c.status, kind)
		}
	}
}

// TestPagesOfTheServer has the documents that it serves itself.
func TestPagesOfTheServer(t *testing.T) {
	t.Parallel()
	s := server(t, Config{Publisher: &broker{}})
	post(t, s, "/collect", good)
	for path, want := range map[string]string{"/health": `"ok"`, "/ready": `"ready"`, "/docs": "Idempotency-Key",
		"/openapi.json": `"openapi": "3.1.0"`,
		"/metrics":      `txflow_collect_events_total{outcome="accepted"} 1`} {
		if got := get(s, path); got.Code != 200 || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %.300s", path, got.Code, got.Body)
		}
	}
	var document map[string]any
	if err := json.Unmarshal(get(s, "/openapi.json").Body.Bytes(), &document); err != nil {
		t.Error(err)
	}
}

// TestBoundsOfTheContract sends numbers at the bounds that the contract names, and beyond them.
func TestBoundsOfTheContract(t *testing.T) {
	t.Parallel()
	type number struct{ Minimum, Maximum, ExclusiveMaximum json.Number }
	var document struct {
		Components struct {
			Schemas struct {
				TimestampStamp      struct{ AnyOf []number }
				AmplitudeTrackStamp struct{ Properties struct{ ID number } }
			}
		}
	}
	s := server(t, Config{Publisher: &broker{}})
	if err := json.Unmarshal(get(s, "/openapi.json").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	schemas := &document.Components.Schemas
	at, id := schemas.TimestampStamp.AnyOf[1], schemas.AmplitudeTrackStamp.Properties.ID
	for _, c := range []struct {
		stamp, value string
		status       int
	}{
		{"TimestampStamp", string(at.Minimum), 200}, {"TimestampStamp", string(at.Minimum) + ".5", 422},
		{"TimestampStamp", "1.5", 200}, {"TimestampStamp", string(at.ExclusiveMaximum), 422},
		{"TimestampStamp", "10413791999999.5", 200},
		{"AmplitudeTrackStamp", `{"id":` + string(id.Maximum) + `}`, 200},
		{"AmplitudeTrackStamp", `{"id":"` + string(id.Maximum) + `"}`, 200},
		{"AmplitudeTrackStamp", `{"id":` + string(id.Maximum) + `0}`, 422},
		{"AmplitudeTrackStamp", `{"id":` + string(id.Minimum) + `}`, 200}, {"AmplitudeTrackStamp", `{"id":-1}`, 422},
	} {
		item := strings.Replace(good, `"headers":{`, `"headers":{"X-Message-Stamp-N\\`+c.stamp+`":`+c.value+`,`, 1)
		if answer, res := post(t, s, "/collect", item); answer.status != c.status {
			t.Errorf("%s %s: %d %+v", c.stamp, c.value, answer.status, res)
		}
	}
}
