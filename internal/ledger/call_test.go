package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
)

// FuzzAppendCall writes hostile texts; ClickHouse looks fields up by their text, so that no escaped backslash may stand
// there.
func FuzzAppendCall(f *testing.F) {
	f.Add("a.csv", `back\slash "quote"`)
	f.Add("", "\u2028<&>\x00\xff")
	f.Fuzz(func(t *testing.T, origin, source string) {
		info := ledger.RunInfo{Pipeline: "batch", RunID: "r", TaskTry: 1 << 20, Source: source}
		text := info.AppendCall([]byte("before"), ledger.Origin{Origin: origin},
			&prediction.Call{AnsweredAt: time.UnixMicro(1)})
		body, ok := strings.CutPrefix(string(text), "before")
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); !ok || err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if strings.Contains(body, `\\`) || strings.Contains(body, "\n") {
			t.Errorf("%q", body)
		}
		if utf8.ValidString(origin) && got["origin"] != origin {
			t.Errorf("the origin %q becomes %q", origin, got["origin"])
		}
		if got["task_try"] != float64(1<<16-1) {
			t.Errorf("the try is %v", got["task_try"])
		}
	})
}
