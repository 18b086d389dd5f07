package status

import (
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	before := Look{At: at, Partitions: []Partition{{Number: 0, Committed: 10, End: 10}, {Number: 1, Committed: -1, End: 5},
		{Number: 2, Committed: 8, End: 8}}}
	now := Look{At: at.Add(2 * time.Second), Group: "g", Topic: "t", State: "Stable", Members: 1, Partitions: []Partition{
		{Number: 0, Committed: 20, End: 40, Oldest: at.Add(-time.Second)},
		{Number: 1, Committed: -1, Begin: 3, End: 5, Oldest: at.Add(-time.Minute)}, // two are gone, by age
		{Number: 2, Committed: 4, End: 8, Oldest: at},                              // set back
		{Number: 3, Committed: 100, End: 100},                                      // a new one
	}}
	s := Of(before, now)
	if s.Lag != 20+2+4 || s.Consumed != (10+3)/2. || s.Produced != 15 || s.Delay != 62 || s.State != "Stable" ||
		s.Members != 1 {
		t.Errorf("%+v", s)
	}
	if s := Of(now, now); s.Consumed != 0 || s.Produced != 0 || s.Lag != 26 {
		t.Errorf("one look alone: %+v", s)
	}
	if s := Of(Look{}, Look{At: at, Group: "g"}); s.State != Missing || s.Consumed != 0 || s.Lag != 0 || s.Delay != 0 {
		t.Errorf("no such group: %+v", s)
	}
}
