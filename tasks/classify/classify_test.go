package classify

import (
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/prediction"
)

// TestConfigIsChecked names the flag.
func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := Config{Index: -1, BatchRows: 1, Concurrency: 1024}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for flag, change := range map[string]func(*Config){"--batch-rows": func(c *Config) { c.BatchRows = 0 },
		"--concurrency": func(c *Config) { c.Concurrency = 1025 }, "--index": func(c *Config) { c.Index = -2 }} {
		c := good
		change(&c)
		if err := c.Validate(); fault.ExitCode(err) != fault.ExitUsage || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestAPIKey is the same for the same API and model alone: answers of another are not reused.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, of := range [][2]string{{"http://a", "1"}, {"http://a", "2"}, {"http://b", "1"}, {"http://a1", ""},
		{"http://a", ""}} {
		key := APIKey(of[0], of[1])
		if keys[key] || key != APIKey(of[0], of[1]) || strings.ContainsAny(key, "/:") {
			t.Errorf("%v has the key %s", of, key)
		}
		keys[key] = true
	}
}

// TestHeldParts are recorded once their refusals are settled, requested again where the API refused everything, and
// recorded at the end when nothing speaks against it.
func TestHeldParts(t *testing.T) {
	t.Parallel()
	refusals := prediction.NewRefusals(0.5)
	var h heldParts
	h.add(heldPart{url: "none"})
	at, _ := refusals.Refused()
	h.add(heldPart{url: "pending", last: at})
	take := func(all bool) (urls string, left int) {
		settled, left := h.take(refusals, all)
		for _, p := range settled {
			urls += p.url + " "
		}
		return urls, left
	}
	if urls, left := take(false); urls != "none " || left != 1 {
		t.Errorf("%q are settled at once, %d wait", urls, left)
	}
	refusals.Classified(prediction.RefusalWindow)
	if urls, left := take(false); urls != "pending " || left != 0 {
		t.Errorf("%q are settled after a window of answers, %d wait", urls, left)
	}
	at, _ = refusals.Refused()
	h.add(heldPart{url: "last", last: at})
	if urls, left := take(true); urls != "last " || left != 0 {
		t.Errorf("%q are settled at the end, %d wait", urls, left)
	}
	for tripped := false; !tripped; {
		at, tripped = refusals.Refused()
	}
	h.add(heldPart{url: "out of order", last: at})
	if urls, left := take(true); urls != "" || left != 1 {
		t.Errorf("%q are settled although the API refused everything, %d wait", urls, left)
	}
}
