package classify

import (
	"strings"
	"testing"
)

// TestValidate names every flag that is wrong, at once: zero rows a call divided by zero.
func TestValidate(t *testing.T) {
	t.Parallel()
	good := Config{BatchRows: 1, Concurrency: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{}, {BatchRows: -1, Concurrency: -1},
		{BatchRows: MaxBatchRows + 1, Concurrency: MaxConcurrency + 1}} {
		err := c.Validate()
		for _, flag := range []string{"--batch-rows", "--concurrency"} {
			if err == nil || !strings.Contains(err.Error(), flag+" is ") {
				t.Errorf("%+v: %v does not name %s", c, err, flag)
			}
		}
	}
}
