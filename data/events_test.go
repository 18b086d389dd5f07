package data_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/event/parse"
)

// sampleEvents are those of events.json.
var sampleEvents = data.EventOptions{Seed: 1, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}

// TestEventsFile makes data/events.json again.
func TestEventsFile(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for e, i := data.NewEvents(sampleEvents), 0; i < 400; i++ {
		text, _ := e.Next()
		b.WriteString(text + "\n")
	}
	if have, err := os.ReadFile("events.json"); err != nil || string(have) != b.String() {
		t.Errorf("events.json is not what the generator makes: see README.md (%v)", err)
	}
}

// TestEvents has the collector's parser judge what is made: what is broken is refused with that code, the rest is
// accepted, and the shares are about those that were asked for.
func TestEvents(t *testing.T) {
	t.Parallel()
	o := sampleEvents
	o.Invalid, o.Repeated = 0.2, 0.1
	e := data.NewEvents(o)
	const n = 5000
	broken, repeated, types, codes := 0, 0, map[string]int{}, map[string]int{}
	seen := map[string]bool{}
	for range n {
		text, code := e.Next()
		item, err := parse.One(text, 1<<20)
		if err != nil || (item.Violation != nil) != (code != "") || code != "" && string(item.Violation.Code) != code {
			t.Fatalf("%s is %+v, want %q: %v", text, item.Violation, code, err)
		}
		if code != "" {
			broken++
			codes[code]++
			continue
		}
		if seen[text] {
			repeated++
		}
		seen[text] = true
		types[item.Event.Type]++
		if !item.Event.HasTimestamp || item.Event.MessageID == "" || item.Event.TargetSubscription != "wallet_events" {
			t.Fatalf("%+v", item.Event)
		}
	}
	if broken < n*15/100 || broken > n*21/100 || repeated < n*8/100 || repeated > n*12/100 || len(types) != 6 ||
		len(codes) != 7 {
		t.Errorf("%d are broken, %d repeated; types %v, codes %v", broken, repeated, types, codes)
	}
}
