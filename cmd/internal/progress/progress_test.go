package progress

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestDisplayShowsRateAndTimeLeft(t *testing.T) {
	t.Parallel()
	var out buffer
	d := New(&out, true)
	now := time.Now()
	d.mu.Lock()
	d.now = func() time.Time { return now }
	d.mu.Unlock()
	d.Begin("load", 4000)
	d.Done("load", 1000)
	d.mu.Lock()
	now = now.Add(2 * time.Second)
	d.show()
	d.mu.Unlock()
	d.End("load")
	d.Close()
	for _, want := range []string{"load 25%, 500 rows/s, 6s left", "load       1,000 rows in 2s, 500 rows/s\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
}
