package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// byStandardLibrary is the text as encoding/json writes it, without HTML escapes.
func byStandardLibrary(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "é😀\u2028\u2029\ufffd", "\x00\x01\b\f\n\r\t\x1f\x7f", `"\/<>&`,
		"\xff\xc3(\xe2\x80", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := `"`+string(Append(nil, s))+`"`, byStandardLibrary(t, s); got != want {
			t.Fatalf("%q: got %s, want %s", s, got, want)
		}
	})
}

// TestEveryByte has each byte at each place of a long text escaped as encoding/json does it, after each other byte.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 17 {
			text := []byte("abcdefgh ~\x7f{}[]:,'")
			text[at] = byte(c)
			if got, want := `"`+string(Append(nil, string(text)))+`"`, byStandardLibrary(t, string(text)); got != want {
				t.Fatalf("%q: got %s, want %s", text, got, want)
			}
			text[at+1] = byte(c) + 1
			if got, want := `"`+string(Append(nil, string(text)))+`"`, byStandardLibrary(t, string(text)); got != want {
				t.Fatalf("%q: got %s, want %s", text, got, want)
			}
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	var buffer []byte
	b.SetBytes(int64(len(attributes)))
	for b.Loop() {
		buffer = Append(buffer[:0], attributes)
	}
}
