package event

import "time"

// RollupLag is how far the roll-ups are behind the events in gold. Ages are by the store's clock.
type RollupLag struct {
	Entered time.Time     // when events were last entered, to be added up; zero for never
	Age     time.Duration // since then
	Waiting int64         // events stored after that, which are not entered; at most as many as are looked at
	Oldest  time.Duration // since the first of those was stored; 0 for none
}
