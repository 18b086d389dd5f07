package event

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// TestContentHash is as its description says: what was stored with it must stay comparable. Every text of the sender
// counts, and nothing of the collector's.
func TestContentHash(t *testing.T) {
	t.Parallel()
	e := Event{ID: NewID(), Correlation: NewID(), Index: 3, Token: "t", Received: 5, Form: FormSimple, Type: "USER_LOGIN",
		AccountID: "a", Timestamp: 9, HasTimestamp: true, Data: strings.Repeat("ü", 5000)}
	h := sha256.New()
	for _, text := range []string{"simple", "USER_LOGIN", "", "a", "", "", "", "", "", "", "", "", "", e.Data, "", ""} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	if got, want := e.ContentHash(), binary.BigEndian.Uint64(h.Sum(nil)); got != want {
		t.Errorf("%x, want %x", got, want)
	}
	ours := map[string]bool{"ID": true, "Correlation": true, "Index": true, "Token": true, "Received": true,
		"Timestamp": true, "HasTimestamp": true} // the time is hashed as its text
	first := e.ContentHash()
	for i := range reflect.TypeFor[Event]().NumField() {
		other := e
		f, name := reflect.ValueOf(&other).Elem().Field(i), reflect.TypeFor[Event]().Field(i).Name
		switch f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Array:
			f.Index(0).SetUint(f.Index(0).Uint() ^ 1)
		default:
			f.SetInt(f.Int() + 1)
		}
		if changed := other.ContentHash() != first; changed == ours[name] {
			t.Errorf("with another %s the hash has changed: %v", name, changed)
		}
	}
}
