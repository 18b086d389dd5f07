package analytics

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
)

// TestJudge has the publisher never run, work, stop, and be without Kafka.
func TestJudge(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		lag       event.RollupLag
		published bool
		want      State
		text      string
	}{
		"no events":         {event.RollupLag{}, false, NoEvents, "no events"},
		"no publisher ever": {event.RollupLag{Waiting: 5, Oldest: time.Hour}, false, Never, "none were ever published"},
		"all entered": {event.RollupLag{Entered: at, Age: time.Hour}, true, UpToDate,
			"was changed 1h0m0s ago and has all events"},
		"new ones": {event.RollupLag{Entered: at, Age: time.Hour, Waiting: 3, Oldest: Old}, true, UpToDate,
			"new events follow"},
		"no publisher": {event.RollupLag{Entered: at, Age: time.Hour, Waiting: 3, Oldest: Old + time.Second}, true, OutOfDate,
			"lacks events since 10m1s"},
		"entered a moment ago, not published yet": {event.RollupLag{Entered: at, Age: time.Second}, false, UpToDate,
			"1s ago"},
		"entered and never published": {event.RollupLag{Entered: at, Age: time.Hour}, false, OutOfDate,
			"lacks roll-ups since 1h"},
	} {
		if got, text := Judge(c.lag, c.published); got != c.want || !strings.Contains(text, c.text) {
			t.Errorf("%s: %s, %q; want %s, %q", name, got, text, c.want, c.text)
		}
	}
}
