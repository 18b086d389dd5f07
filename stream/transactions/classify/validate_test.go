package classify

import (
	"strings"
	"testing"
	"time"
)

// TestValidate names every flag that is wrong, at once: zero rows a call divided by zero, zero rows a transaction never
// polled.
func TestValidate(t *testing.T) {
	t.Parallel()
	good := Config{TransactionRows: 1, MaxMessage: 1, BatchRows: 1, Concurrency: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{
		{MaxWait: -1, DrainLimit: -1},
		{TransactionRows: -1, MaxMessage: -1, BatchRows: -1, Concurrency: -1, MaxWait: -time.Hour, DrainLimit: -time.Hour},
		{TransactionRows: MaxTransactionRows + 1, MaxMessage: MessageLimit + 1, BatchRows: MaxBatchRows + 1, Concurrency: MaxConcurrency + 1,
			MaxWait: MaxWait + 1, DrainLimit: -1},
	} {
		err := c.Validate()
		for _, flag := range []string{"--transaction-rows", "--max-message-bytes", "--batch-rows", "--concurrency", "--max-wait", "--drain"} {
			if err == nil || !strings.Contains(err.Error(), flag+" is ") {
				t.Errorf("%+v: %v does not name %s", c, err, flag)
			}
		}
	}
}
