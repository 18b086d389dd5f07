package deadletter

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// TestAppend writes what a field can not hold: a text that is not UTF-8, counts above their columns, no key and an
// empty one, times of other zones.
func TestAppend(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		d       ledger.DeadLetter
		replays int
		want    []string // parts of the value
	}{
		"without a message": {ledger.DeadLetter{At: at}, 0, []string{`"raw":""`, `"key":null,"headers":[]`,
			`"id":"00000000-0000-0000-0000-000000000000"`, `"at":"2024-02-29 22:59:59.999999"`, `"replays":0`}},
		"with all of it": {ledger.DeadLetter{ID: &transaction.ID{15: 1}, Raw: []byte("<\xff>"), Key: []byte{},
			Headers: []ledger.Header{{Name: "a", Value: []byte("\x00")}, {Name: "a"}, {}}, SourceID: "a\xffb", Message: "<&>",
			Call: &prediction.Call{Attempt: 1 << 20}}, 1 << 20, []string{`"raw":"PP8+","key":""`, `"message":"<&>"`,
			`"headers":[{"name":"YQ==","value":"AA=="},{"name":"YQ==","value":null},{"name":"","value":null}]`,
			"\"source_id\":\"a\ufffdb\"", `"attempt":65535`, `"replays":65535`, `"id":"00000000-0000-0000-0000-000000000001"`}},
		"with fewer than none": {ledger.DeadLetter{}, -1, []string{`"replays":0`}},
	} {
		got := string(Append([]byte("before"), &ledger.RunInfo{}, &c.d, c.replays, ""))
		body, ok := strings.CutPrefix(got, "before")
		if !ok || !json.Valid([]byte(body)) || strings.Contains(body, "\n") {
			t.Errorf("%s: %s", name, got)
		}
		for _, part := range c.want {
			if !strings.Contains(body, part) {
				t.Errorf("%s lacks %s:\n%s", name, part, body)
			}
		}
	}
}

// TestGap reads back the offsets that a gap has, and nothing else.
func TestGap(t *testing.T) {
	t.Parallel()
	if first, next, err := ParseGap(AppendGap(nil, 5, 9)); first != 5 || next != 9 || err != nil {
		t.Errorf("%d to %d, %v", first, next, err)
	}
	for _, text := range []string{"", "{}", "null", `{"first_offset":5}`, `{"first_offset":5,"next_offset":5}`,
		`{"first_offset":-1,"next_offset":5}`, `{"first_offset":"5","next_offset":9}`, "not JSON"} {
		if first, next, err := ParseGap([]byte(text)); err == nil {
			t.Errorf("%s is the gap from %d to %d", text, first, next)
		}
	}
}
