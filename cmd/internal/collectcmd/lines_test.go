package collectcmd

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

// TestLines reads files of events: a line each, or an array. What is cut off, or follows the array, is bad data, and
// not the end.
func TestLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		events []string
		bad    bool
	}{
		"":                             {nil, false},
		" \n\r\n\t":                    {nil, false},
		"{\"a\":1}\n\n {\"b\":2} ":     {[]string{`{"a":1}`, `{"b":2}`}, false},
		"[]":                           {nil, false},
		" \n[{\"a\":1},\n{\"b\":2}]\n": {[]string{`{"a":1}`, `{"b":2}`}, false},
		`[{"a":1}`:                     {[]string{`{"a":1}`}, true},
		`[{"a":1},`:                    {[]string{`{"a":1}`}, true},
		`[{"a":1}][{"b":2}]`:           {[]string{`{"a":1}`}, true},
		"[{\"a\":1}]\n{\"b\":2}":       {[]string{`{"a":1}`}, true},
		`[{"a":}]`:                     {nil, true},
	} {
		next, err := lines(strings.NewReader(text))
		var got []string
		for err == nil {
			var event string
			if event, err = next(); err == nil {
				got = append(got, event)
			}
		}
		if !slices.Equal(got, want.events) || errors.Is(err, io.EOF) == want.bad ||
			want.bad && fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	next, err := lines(strings.NewReader("a\n" + strings.Repeat("x", longestLine+1)))
	if err != nil {
		t.Fatal(err)
	}
	if first, err := next(); first != "a" || err != nil {
		t.Errorf("%q, %v", first, err)
	}
	if _, err := next(); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("a line that is too long: %v", err)
	}
}
