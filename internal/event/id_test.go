package event

import (
	"strings"
	"testing"
)

// TestParseID has the text of an id read as it was written, in lower and upper case, and nothing else.
func TestParseID(t *testing.T) {
	t.Parallel()
	const text = "01234567-89ab-cdef-fedc-ba9876543210"
	id, ok := ParseID(text)
	if !ok || id != (ID{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}) ||
		id.String() != text || string(id.Append([]byte("x"))) != "x"+text {
		t.Errorf("%s is read as %v, %v", text, id, ok)
	}
	if upper, ok := ParseID(strings.ToUpper(text)); !ok || upper != id {
		t.Errorf("in upper case it is read as %v, %v", upper, ok)
	}
	for i := range text {
		for _, c := range "g@G/:`\x00ÿ-" {
			if c == '-' && text[i] == '-' {
				continue
			}
			wrong := text[:i] + string(c) + text[i+1:]
			if _, ok := ParseID(wrong); ok {
				t.Errorf("%q is an id", wrong)
			}
		}
	}
	for _, wrong := range []string{"", text + "0", text[1:], strings.ReplaceAll(text, "-", "")} {
		if _, ok := ParseID(wrong); ok {
			t.Errorf("%q is an id", wrong)
		}
	}
}
