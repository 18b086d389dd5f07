package load

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// TestConfigIsChecked names the flag.
func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for flag, c := range map[string]Config{"--block-rows": {Index: -1}, "--index": {BlockRows: 1, Index: -2}} {
		if err := c.Validate(); fault.ExitCode(err) != fault.ExitUsage || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if err := (&Config{BlockRows: 1_000_000, Index: -1}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestAllRefused fails where every row was refused, and not where one was stored or none was asked for.
func TestAllRefused(t *testing.T) {
	t.Parallel()
	if err := allRefused(ledger.Counts{DeadLettered: 3}); fault.ExitCode(err) != fault.ExitData || fault.Hint(err) == "" {
		t.Errorf("all are refused: %v", err)
	}
	for _, n := range []ledger.Counts{{}, {Stored: 1, DeadLettered: 9}, {Rejected: 5}} {
		if err := allRefused(n); err != nil {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

// TestRejectsAreReadBack reads lines of the artifact of rejected rows; one that is damaged is bad data.
func TestRejectsAreReadBack(t *testing.T) {
	t.Parallel()
	judged := time.UnixMicro(7)
	l := &loader{cfg: Config{Chunks: &batch.Chunks{Files: []batch.File{{URL: "a.csv", SHA256: "aa"}}}}}
	d, err := l.deadLetter([]byte(`{"file":0,"line":3,"id":"00000000-0000-0000-0000-000000000001","source_id":"1",`+
		`"code":"amount_zero",`+
		`"raw_base64":"/w==","content_hash":"00000000000000ff"}`), judged)
	if err != nil || d.ID == nil || d.ID.String() != "00000000-0000-0000-0000-000000000001" || string(d.Raw) != "\xff" ||
		d.ContentHash != 255 || d.Origin != (ledger.Origin{Origin: "a.csv", Digest: "aa", Position: 3}) ||
		!d.At.Equal(judged) ||
		d.Key != nil || d.Headers != nil {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := l.deadLetter([]byte(`{"file":0,"line":1,"code":"row_length"}`), judged); err != nil || d.ID != nil {
		t.Errorf("without an id: %+v, %v", d, err)
	}
	for _, line := range []string{"", "{", `{"file":1}`, `{"file":-1}`, `{"file":0,"content_hash":"xyz"}`,
		`{"file":0,"line":-1}`} {
		if _, err := l.deadLetter([]byte(line), judged); fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%q: %v", line, err)
		}
	}
}
