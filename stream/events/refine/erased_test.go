package refine

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

// forgotten are users; whatever they sent before a time is erased.
type forgotten map[string]int64

func (f forgotten) Refresh(context.Context) error { return nil }

func (f forgotten) Erases(_, user string, published int64) bool { return published < f[user] }

// TestErased writes nothing of what a forgotten person sent before, be it an event, a conflict or broken, keeps the ids
// that it claimed taken, over a restart too, and takes what the person sends later.
func TestErased(t *testing.T) {
	t.Parallel()
	const hour = int64(3_600_000_000)
	l := &log{r: rand.New(rand.NewPCG(1, 1))}
	add := func(id event.ID, at int64, change func(*event.Event)) {
		e := simple(id)
		e.UserID, e.Data = "user-gone", `{"secret":"s"}`
		if change != nil {
			change(&e)
		}
		l.add(0, &e, at)
	}
	other := func(e *event.Event) { e.UserID, e.Data = "user-there", "{}" }
	first, second, kept := event.NewID(), event.NewID(), event.NewID()
	add(first, 10*hour, nil)
	add(kept, 10*hour, other)
	add(kept, 10*hour+1, nil)                                    // a conflict
	add(second, 10*hour+2, func(e *event.Event) { e.Type = "" }) // rejected
	add(first, 10*hour+3, nil)                                   // a duplicate
	l.add(0, &event.Event{ID: event.NewID(), UserID: "user-gone"}, 1).Key = []byte("other")
	cfg := config(t, l)
	cfg.Forgotten = forgotten{"user-gone": 12 * hour}
	run := func() (forms []string) {
		t.Helper()
		had := len(l.written)
		if err := l.member(t, New(cfg)); err != nil {
			t.Fatal(err)
		}
		for _, w := range l.written[had:] {
			if w.Topic == events.Claims {
				continue
			}
			var r events.Refined
			if err := json.Unmarshal(w.Value, &r); err != nil || w.Topic != events.Silver {
				t.Fatalf("%s: %s", w.Topic, w.Value)
			}
			if text := string(w.Value); r.UserID != "user-there" && r.PublishedUS < 12*hour && (strings.Contains(text, "gone") ||
				strings.Contains(text, "secret") || strings.Contains(text, "company") || r.ContentHash != 0) {
				t.Errorf("it is written: %s", text)
			}
			forms = append(forms, r.Form)
		}
		return forms
	}
	if got := strings.Join(run(), " "); got != "erased simple erased_rejected erased_rejected erased_rejected" {
		t.Errorf("before: %s", got)
	}
	add(first, 13*hour, nil)         // sent again later: its id is taken
	add(event.NewID(), 13*hour, nil) // the person is back
	add(second, 13*hour, nil)        // what was rejected claims nothing
	add(kept, 13*hour, other)        // a duplicate
	add(event.NewID(), 13*hour, nil)
	l.raw[0][len(l.raw[0])-1].Version = 11 * hour // a replay
	if got := strings.Join(run(), " "); got != "simple simple erased" {
		t.Errorf("later, by another member: %s", got)
	}
}
