package pipeline

import (
	"strings"
	"testing"
	"time"
)

// TestValidate names every flag that is wrong, at once: zero messages a batch never polled.
func TestValidate(t *testing.T) {
	t.Parallel()
	good := Config{BatchMessages: 1, MaxMessage: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{
		{MaxWait: -1, DrainLimit: -1},
		{BatchMessages: -1, MaxMessage: -1, MaxWait: -time.Hour, DrainLimit: -time.Hour},
		{BatchMessages: MaxBatchMessages + 1, MaxMessage: MessageLimit + 1, MaxWait: MaxWait + 1, DrainLimit: -1},
	} {
		err := c.Validate()
		for _, flag := range []string{"--transaction-rows", "--max-message-bytes", "--max-wait", "--drain"} {
			if err == nil || !strings.Contains(err.Error(), flag+" is ") {
				t.Errorf("%+v: %v does not name %s", c, err, flag)
			}
		}
	}
}
