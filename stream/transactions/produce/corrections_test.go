package produce

import (
	"strings"
	"testing"
)

// TestCorrections sends rows again with another description, each after its row and with others between them.
func TestCorrections(t *testing.T) {
	t.Parallel()
	s, stats := send(t, 1000, Config{Corrected: 0.2, Seed: 1})
	if stats.Corrected < 130 || stats.Corrected > 270 || int(stats.Messages) != 1000+int(stats.Corrected) ||
		len(s.values) != int(stats.Messages) {
		t.Fatalf("%+v of %d", stats, len(s.values))
	}
	first, corrected := map[string]int{}, 0
	for i, value := range s.values {
		at, seen := first[s.keys[i]]
		if !seen {
			first[s.keys[i]] = i
			continue
		}
		corrected++
		if i-at < correctionLag && i < 1000 || !strings.Contains(value, `"Coffee`+correction+`"`) ||
			strings.Contains(s.values[at], correction) {
			t.Errorf("message %d corrects %d: %s", i, at, value)
		}
	}
	if corrected != int(stats.Corrected) {
		t.Errorf("%d are corrected, want %d", corrected, stats.Corrected)
	}
}
