package collect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAuditManyWrite has each line of many requests at once in the file when its write returns, whole and once.
func TestAuditManyWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.ndjson")
	a, err := NewAudit(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // nothing is lost with it
	const writers, each = 16, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				name := "r" + strconv.Itoa(w) + "-" + strconv.Itoa(i)
				if err := a.write(&entry{at: time.Now(), request: name, method: "POST", route: "/collect"}); err != nil {
					t.Error(err)
				}
				if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), `"`+name+`"`) {
					t.Errorf("the line of %s was written, and is not in the file: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		var e struct{ Request string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || seen[e.Request] {
			t.Errorf("the line %q: %v, or it is there twice", line, err)
		}
		seen[e.Request] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d lines of %d", len(seen), writers*each)
	}
}
