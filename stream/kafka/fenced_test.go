package kafka

import (
	"testing"
	"time"
)

// TestTenure: only a place that is held without a gap for longer than a session is that of a process that lives.
func TestTenure(t *testing.T) {
	t.Parallel()
	const longest = 15 * time.Second
	type answer struct {
		after time.Duration // since the one before
		seen  bool
	}
	for name, c := range map[string]struct {
		answers []answer
		want    bool
	}{
		"once":                           {[]answer{{0, true}}, false},
		"almost long enough":             {[]answer{{0, true}, {longest - 1, true}}, false},
		"long enough":                    {[]answer{{0, true}, {longest, true}}, true},
		"no answers":                     {[]answer{{0, false}, {longest, false}, {longest, false}}, false},
		"the first after an outage":      {[]answer{{0, true}, {time.Second, false}, {longest, true}}, false},
		"long enough after an outage":    {[]answer{{0, true}, {time.Second, false}, {longest, true}, {longest, true}}, true},
		"an outage when it is almost so": {[]answer{{0, true}, {longest - 1, true}, {1, false}, {1, true}}, false},
	} {
		held, now, got := tenure{longest: longest}, time.Now(), false
		for _, a := range c.answers {
			now = now.Add(a.after)
			got = held.proves(a.seen, now)
		}
		if got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
