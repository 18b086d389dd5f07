package streamcmd

import (
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// pace is how traffic comes: messages a second in the long run, and how many at once.
type pace struct {
	rate  float64
	burst int
}

// profiles are ready ones: the same number of messages, a few all the time or many now and then.
var profiles = map[string]pace{"": {}, "small": {1000, 10}, "large": {1000, 20_000}}

func paceOf(c *cli.Context) (p pace, err error) {
	p, ok := profiles[c.String("profile")]
	if !ok {
		err = fmt.Errorf("--profile is %q: it must be small or large", c.String("profile"))
	}
	if c.IsSet("rate") {
		p.rate = c.Float64("rate")
	}
	if c.IsSet("burst") || p.burst == 0 {
		p.burst = c.Int("burst")
	}
	return p, err
}

// firstID reads --first-id: a number, or now for microseconds since 1970, which a producer that is started again is
// past as long as it sends fewer than a million rows a second.
func firstID(text string, now time.Time) (uint64, error) {
	if text == "now" {
		return uint64(now.UnixMicro()), nil
	}
	id, err := strconv.ParseUint(text, 10, 63)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("--first-id is %q: it must be a number from 1, or now", text)
	}
	return id, nil
}
