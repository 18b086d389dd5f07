package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const planted = "hunter2-SECRET"

// TestNothingPrintsIt formats, encodes and logs secrets in every way that Go has, also as fields of other structs.
func TestNothingPrintsIt(t *testing.T) {
	t.Parallel()
	u, x := NewURL("http://user:"+planted+"@host:8123/path?password="+planted+"&database=txflow#"+planted),
		NewText(planted)
	type holder struct {
		URL  URL
		Text Text
		u    URL
		x    Text
		p    *URL
	}
	h := holder{u, x, u, x, &u}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "% x", "%08s"} {
		for _, value := range []any{u, x, &u, &x, h, &h, []URL{u}, map[string]Text{"k": x}, map[URL]int{u: 1}} {
			fmt.Fprintf(&out, verb, value)
		}
	}
	fmt.Fprintln(&out, fmt.Errorf("at %s: %w", u, errors.New("no")), u, x, h)
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)),
		slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("started", "url", u, "token", x, "both", h, "pointer", &u)
	}
	if err := json.NewEncoder(&out).Encode([]any{u, x, h, map[string]any{"a": u}}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), planted) || strings.Contains(out.String(), fmt.Sprintf("%x", planted)) {
		t.Errorf("it is printed: %s", out.String())
	}
	if u.Reveal() == u.String() || !strings.Contains(u.Reveal(), planted) || x.Reveal() != planted {
		t.Error("the real one cannot be had")
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                     "",
		"http://127.0.0.1:8000":                "http://127.0.0.1:8000",
		"http://h/?database=x":                 "http://h/?database=x",
		"https://u:p@h:1/a/b":                  "https://xxxxx@h:1/a/b",
		"https://token@h":                      "https://xxxxx@h",
		"http://h/?password=p&database=d":      "http://h/?password=xxxxx&database=d",
		"clickhouse://u:p@h1:9000,h2:9000/db":  "clickhouse://xxxxx@h1:9000,h2:9000/db",
		"http://u:p%zz@h/":                     "http://(an address that cannot be parsed)",
		"u:p@h":                                "(an address that cannot be parsed)",
		"http:u:p@h":                           "(an address that cannot be parsed)",
		"http://h/?sasl=a%3Db&x":               "http://h/?sasl=xxxxx&x",
		"s3://bucket/key?region=eu&endpoint=e": "s3://bucket/key?region=eu&endpoint=xxxxx",
	} {
		if got := NewURL(given).String(); got != want {
			t.Errorf("%s is shown as %s, want %s", given, got, want)
		}
	}
	if (URL{}).String() != "" || (Text{}).String() != "" || NewText("").String() != "" ||
		NewURL("http://u:p@h:1/x").Host() != "h:1" {
		t.Error("empty ones, or the host")
	}
}
