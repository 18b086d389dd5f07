package analytics

import (
	"fmt"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

// Old is after which time roll-ups that lack events are out of date; the alert RollupsAreOld has the same.
const Old = 10 * time.Minute

// State is how up to date events.analytics is.
type State string

// States of events.analytics.
const (
	NoEvents  State = "no events"       // there is nothing to publish
	Never     State = "never published" // there are events, and no publisher ever looked at them
	UpToDate  State = "up to date"      // it has all events, or gets the new ones with the publisher's next look
	OutOfDate State = "out of date"     // it lacks events, and no publisher brings them
)

// Judge says how up to date events.analytics is, for people too. published reports whether something was written there
// since gold was last added up.
func Judge(lag event.RollupLag, published bool) (State, string) {
	short := func(d time.Duration) string { return d.Round(time.Second).String() }
	switch {
	case lag.Entered.IsZero() && lag.Waiting == 0:
		return NoEvents, "there are no events to add up"
	case lag.Entered.IsZero():
		return Never, fmt.Sprintf("%s has no roll-ups: none were ever published", events.Analytics)
	case lag.Oldest > Old:
		return OutOfDate, fmt.Sprintf("%s lacks events since %s", events.Analytics,
			short(lag.Oldest))
	case !published && lag.Age > Old:
		return OutOfDate, fmt.Sprintf("%s lacks roll-ups since %s", events.Analytics,
			short(lag.Age))
	case lag.Waiting > 0:
		return UpToDate, fmt.Sprintf("%s was changed %s ago, new events follow", events.Analytics, short(lag.Age))
	}
	return UpToDate, fmt.Sprintf("%s was changed %s ago and has all events", events.Analytics, short(lag.Age))
}

// Next is what to do about roll-ups that are not published.
const Next = "start txflow events publish, or see its log where it runs; nothing is lost"
