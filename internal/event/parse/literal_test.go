package parse

import (
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/event"
)

// TestDeletedCharacter: U+007F needs no escape in JSON, and is a control character wherever it stands.
func TestDeletedCharacter(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		for _, del := range []string{"\x7f", `\u007f`} {
			text := strings.Replace(item(`{}`, ``), `"T"`, `"`+strings.Repeat("x", n)+del+`yyyyyyyyyyyyyyyyyyyyy"`, 1)
			items, _, err := Package(nil, text, limits)
			if err != nil || len(items) != 1 || items[0].Violation == nil || items[0].Violation.Code != event.CodeControl {
				t.Errorf("%q: %+v, %v", text, items, err)
			}
		}
	}
}
