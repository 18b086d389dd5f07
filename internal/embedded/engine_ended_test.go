package embedded_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestDataAfterTheirEnd sends blocks of Native that end the data long before the body ends: the engine aborted the
// process.
func TestDataAfterTheirEnd(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	ask(t, "POST", p.ClickHouseURL(), "CREATE TABLE ended (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	a := &attacker{T: t, p: p}
	for _, size := range []int{2, 64 << 10, 64<<10 + 1, 1 << 20, 4 << 20} {
		got := a.send("POST", p.ClickHouseURL()+"/?query=INSERT+INTO+ended+FORMAT+Native", strings.Repeat("\x00", size))
		if got.status != http.StatusOK &&
			(got.status != http.StatusBadRequest || !strings.Contains(got.body, "Data follow the end")) {
			t.Errorf("%d bytes: %d %s", size, got.status, got.body)
		}
	}
	if got := ask(t, "POST", p.ClickHouseURL(), "SELECT count() FROM ended"); got != "0" {
		t.Errorf("%s rows are stored", got)
	}
}
