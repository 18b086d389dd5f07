package event

import "time"

// RollupLook is a look at gold for roll-ups that have changed. The zero one is that of a process that has just started.
type RollupLook struct {
	At        time.Time // by the store's clock
	Compared  time.Time // the last look that compared all events
	Deletions uint64    // names what was deleted from gold so far
	Entered   int64     // events that were not known to the look before
	All       bool      // any key may have changed; else those of the events that were entered
}
