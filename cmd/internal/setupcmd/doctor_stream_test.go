package setupcmd

import (
	"strings"
	"testing"
)

// TestThreads fails the check of a server that has fewer threads than Kafka tables, and says which setting it lacks.
func TestThreads(t *testing.T) {
	t.Parallel()
	for threads, ok := range map[int]bool{0: false, 1: false, 4: false, 5: true, 16: true} {
		c := checkThreads("stream readers", threads, 5)
		if c.OK != ok || c.Neutral || !ok && !strings.Contains(c.Next, "background_message_broker_schedule_pool_size") {
			t.Errorf("%d threads for 5 tables: %+v", threads, c)
		}
	}
}
