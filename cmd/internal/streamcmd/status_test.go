package streamcmd

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/status"
)

// TestStatusFitsATerminal shows six groups of many partitions on 80 columns and 24 lines, the greatest lag first.
func TestStatusFitsATerminal(t *testing.T) {
	t.Parallel()
	var looks []status.Look
	for _, group := range []string{"txflow-classify", readers.Classified, readers.DeadLetters, readers.EventsRaw,
		readers.EventsSilver, readers.EventsDeadLetters} {
		look := status.Look{At: time.Now(), Group: group, Topic: "transactions.classified", Members: 3}
		for n := range int32(16) {
			look.Partitions = append(look.Partitions, status.Partition{Number: n, Committed: 1_234_567,
				End:   1_234_567 + 1_000_000*int64(n),
				Owner: "ClickHouse-a-host-with-a-long-name-txflow at 192.0.2.17", Oldest: time.Now().Add(-time.Hour)})
		}
		looks = append(looks, look)
	}
	published := publisherStatus(readers.Rollups{RollupLag: event.RollupLag{Waiting: 10_000, Oldest: time.Hour},
		State: analytics.OutOfDate, Text: "events.analytics lacks events since 1h0m0s"})
	show := func(live bool) []string {
		var b strings.Builder
		err := showStatus(&b, looks, looks, map[string]string{readers.DeadLetters: "it does not progress"}, published,
			false, live)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	}
	lines := show(true)
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > screenColumns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if len(lines) > 24 {
		t.Errorf("%d lines", len(lines))
	}
	text := strings.Join(lines, "\n")
	if !strings.Contains(text, "120,000,000") || !strings.Contains(text, "8 of 96 partitions") || strings.Count(text,
		"15,000,000") != 6 {
		t.Error(text)
	}
	if !strings.Contains(text, "events publish (out of date)") {
		t.Errorf("nothing of the publisher:\n%s", text)
	}
	if all := show(false); len(all) < 96 {
		t.Errorf("not live: %d lines", len(all))
	}
}
