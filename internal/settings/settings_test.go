package settings

import (
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	set, unset := 3, 0
	Default(&set, 7)
	Default(&unset, 7)
	if set != 3 || unset != 7 {
		t.Errorf("%d and %d", set, unset)
	}
	var none, some Faults
	none.Add(false, "no")
	some.Add(true, "the rate is %d", 5)
	some.Add(true, "the name is empty")
	if err := none.Err(); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	if err := some.Err(); fault.ExitCode(err) != fault.ExitUsage || err.Error() != "the rate is 5\nthe name is empty" {
		t.Errorf("exit code %d: %v", fault.ExitCode(err), err)
	}
}
