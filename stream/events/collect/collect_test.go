package collect

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// TestStatus has a package for every status that follows from its items.
func TestStatus(t *testing.T) {
	t.Parallel()
	down := fault.Failf(fault.ExitTryAgain, "down")
	for name, c := range map[string]struct {
		body     string
		strict   bool
		fail     func(pipeline.Record) error
		status   int
		items    []int
		raw, bad int // messages
	}{
		"all are good": {body: "[" + good + "," + good + "]", status: 200, items: []int{202, 202}, raw: 2},
		"one event":    {body: good, status: 200, items: []int{202}, raw: 1},
		"none":         {body: "[]", status: 200},
		"one is broken": {body: "[" + good + "," + broken + "]", status: 207, items: []int{202, 422}, raw: 1,
			bad: 1},
		"all are broken":       {body: "[" + broken + "]", status: 422, items: []int{422}, bad: 1},
		"strict, all are good": {body: "[" + good + "]", strict: true, status: 200, items: []int{202}, raw: 1},
		"strict, one is broken": {body: "[" + good + "," + broken + "]", strict: true, status: 422, items: []int{424,
			422}},
		"one event is not written": {body: "[" + good + "," + broken + "]",
			fail: func(r pipeline.Record) error { return failing(r, events.Raw, down) }, status: 503, items: []int{503,
				422}, bad: 1},
		"a dead letter is not": {body: "[" + good + "," + broken + "]",
			fail: func(r pipeline.Record) error { return failing(r, events.DeadLetters, down) }, status: 503,
			items: []int{202, 503}, raw: 1},
		"the broker refuses for size": {body: "[" + good + "]", fail: func(r pipeline.Record) error {
			return failing(r, events.Raw, fault.Fail(fault.ExitData, errors.New("too large")))
		}, status: 422, items: []int{422}, bad: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &broker{fail: c.fail}
			var headers []string
			if c.strict {
				headers = []string{"Prefer", `respond-async, handling="strict"`}
			}
			answer, res := post(t, server(t, Config{Publisher: b}), "/collect", c.body, headers...)
			var got []int
			for i, item := range res.Items {
				if got = append(got, item.Status); item.Index != i || (item.Code == "") != (item.Status == 202) {
					t.Errorf("%+v", item)
				}
			}
			if answer.status != c.status || !slices.Equal(got, c.items) || len(b.of(events.Raw)) != c.raw ||
				len(b.of(events.DeadLetters)) != c.bad {
				t.Errorf("%d %v, %d events and %d dead letters; want %+v", answer.status, got,
					len(b.of(events.Raw)), len(b.of(events.DeadLetters)), c)
			}
			if (answer.Header.Get("Retry-After") != "") != (c.status == 503) || c.status < 300 && slices.Contains(got,
				503) {
				t.Errorf("Retry-After is %q", answer.Header.Get("Retry-After"))
			}
			if res.Errors != (res.Accepted < len(c.items)) ||
				answer.Header.Get("X-Correlation-Id") != res.CorrelationID ||
				answer.Header.Get("X-Request-Id") != res.RequestID {
				t.Errorf("%+v %v", res, answer.Header)
			}
		})
	}
}

// TestMessages looks at the messages of a package: key, value and headers of an event and of a dead letter.
func TestMessages(t *testing.T) {
	t.Parallel()
	b := &broker{}
	now := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	s := server(t, Config{Publisher: b, Now: func() time.Time { return now }})
	const parent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	_, res := post(t, s, "/collect", "["+good+", "+broken+"]", "Traceparent", parent)
	raw, dead := b.of(events.Raw)[0], b.of(events.DeadLetters)[0]
	schema, value, ok := events.SplitHeader(raw.Value)
	e, err := events.ParseRaw(value)
	if !ok || schema != 7 || err != nil || string(raw.Key) != res.Items[0].ID || e.ID.String() != res.Items[0].ID ||
		e.Correlation.String() != res.CorrelationID || e.AccountID != "a" || e.Data != `{"id":"1","amount":1.50}` ||
		e.Received != now.UnixMicro() {
		t.Errorf("%q: %d %+v %v", raw.Key, schema, e, err)
	}
	var d deadletter.Message
	if err := json.Unmarshal(dead.Value, &d); err != nil || d.Pipeline != "events" || d.Origin != "collect" ||
		d.OriginDigest != res.CorrelationID || d.Position != 1 ||
		d.ID != res.Items[1].ID || d.Code != "wrong_type" || d.Column != "/1/data/amount" || d.Outcome != "rejected" ||
		d.Traceparent != parent {
		t.Errorf("%s %v", dead.Value, err)
	}
	if header(dead, pipeline.HeaderReason) != "wrong_type" || !strings.Contains(header(dead, events.HeaderError),
		"/1/data/amount") {
		t.Errorf("%q", dead.Headers)
	}
	for _, r := range []pipeline.Record{raw, dead} {
		if header(r, pipeline.HeaderTrace) != parent || header(r, events.HeaderRequest) != res.RequestID || header(r,
			events.HeaderToken) != "" {
			t.Errorf("%q", r.Headers)
		}
	}
}

// TestIDs sends again: an event keeps its id by its message id, or by its place under an Idempotency-Key, and by
// nothing else.
func TestIDs(t *testing.T) {
	t.Parallel()
	s := server(t, Config{Publisher: &broker{}})
	named := strings.Replace(good, `"type"`, `"X-Message-Stamp-N\\MessageIdStamp":"m","type"`, 1)
	ids := func(headers ...string) (string, []string) {
		t.Helper()
		_, res := post(t, s, "/collect", "["+good+","+named+"]", headers...)
		return res.CorrelationID, []string{res.Items[0].ID, res.Items[1].ID}
	}
	c1, first := ids()
	c2, second := ids()
	if c1 == c2 || first[0] == second[0] || first[1] != second[1] || first[1] != event.MessageEventID("",
		"m").String() {
		t.Errorf("without a key: %v %v", first, second)
	}
	c1, first = ids("Idempotency-Key", "k")
	c2, second = ids("Idempotency-Key", "k")
	if c1 != c2 || !slices.Equal(first, second) {
		t.Errorf("with a key: %v %v", first, second)
	}
	if _, third := ids("Idempotency-Key", "l"); third[0] == first[0] || third[1] != first[1] {
		t.Errorf("with another key: %v", third)
	}
	answer, res := post(t, s, "/collect", "["+good+"]", "Idempotency-Key", "k")
	if answer.status != http.StatusUnprocessableEntity || res.Code != "idempotency_conflict" {
		t.Errorf("another body: %d %+v", answer.status, res)
	}
}

// TestRefused has requests that are refused as a whole, with nothing published.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := &broker{}
	s := server(t, Config{Publisher: b, MaxBodyBytes: 2000, MaxItems: 3})
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		"no JSON": {body: "[" + good, status: 400, code: "malformed_json"},
		"empty":   {body: "", status: 400, code: "malformed_json"},
		"NaN":     {body: `[{"data":{"amount":NaN}}]`, status: 400, code: "malformed_json"},
		"no type": {body: good, headers: []string{"Content-Type", ""}, status: 415, code: "unsupported_type"},
		"a form": {body: good, headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
			status: 415, code: "unsupported_type"},
		"text": {body: good, headers: []string{"Content-Type", "text/plain"}, status: 415,
			code: "unsupported_type"},
		"Latin 1": {body: good, headers: []string{"Content-Type", "application/json; charset=latin1"},
			status: 415, code: "unsupported_type"},
		"brotli": {body: good, headers: []string{"Content-Encoding", "br"}, status: 415,
			code: "unsupported_encoding"},
		"no gzip":  {body: good, headers: []string{"Content-Encoding", "gzip"}, status: 400, code: "cut_off"},
		"no zstd":  {body: good, headers: []string{"Content-Encoding", "zstd"}, status: 400, code: "cut_off"},
		"too long": {body: strings.Repeat(" ", 2001), status: 413, code: "too_large"},
		"too many": {body: "[1,2,3,4]", status: 413, code: "too_many_items"},
		"an empty key": {body: good, headers: []string{"Idempotency-Key", ""}, status: 400,
			code: "invalid_idempotency_key"},
		"a key of a space": {body: good, headers: []string{"Idempotency-Key", "a b"}, status: 400,
			code: "invalid_idempotency_key"},
		"a long key": {body: good, headers: []string{"Idempotency-Key", strings.Repeat("k", 256)}, status: 400,
			code: "invalid_idempotency_key"},
	} {
		answer, res := post(t, s, "/collect", c.body, c.headers...)
		if answer.status != c.status || res.Code != c.code || !res.Errors ||
			answer.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %+v", name, answer.status, res)
		}
	}
	if len(b.records) > 0 || s.held.Used() != 0 {
		t.Errorf("%d messages are published, %d bytes held", len(b.records), s.held.Used())
	}
	unknown := server(t, Config{Publisher: b, Schema: &Schema{}})
	if answer, res := post(t, unknown, "/collect", good); answer.status != 503 || res.Code != "not_ready" ||
		answer.Header.Get("Retry-After") == "" {
		t.Errorf("without the schema: %d %+v", answer.status, res)
	}
	if answer, res := post(t, s, "/other", good); answer.status != 404 || res.Code != "not_found" {
		t.Errorf("elsewhere: %d %+v", answer.status, res)
	}
}
