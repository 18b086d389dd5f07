package event

import (
	"fmt"
	"strings"
	"testing"
)

func TestForgotten(t *testing.T) {
	t.Parallel()
	key := NewErasureKey()
	f := NewForgotten(&key)
	if f.Erases("a", "u", 0) {
		t.Error("somebody is forgotten before anybody is")
	}
	for _, c := range []struct {
		p  Person
		at int64
	}{{Person{User: "u1"}, 100}, {Person{Account: "a2"}, 200}, {Person{User: "u3", Account: "a3"}, 300},
		{Person{User: "u1"}, 50}} {
		f.Add(&Tombstone{Hash: key.Hash(c.p), Scope: c.p.Scope(), At: c.at})
	}
	for _, c := range []struct {
		account, user string
		published     int64
		want          bool
	}{
		{"any", "u1", 99, true}, {"", "u1", 99, true}, {"any", "u1", 100, false}, // 100 came first, and counts
		{"a2", "any", 199, true}, {"a2", "", 199, true}, {"a2", "any", 200, false},
		{"a3", "u3", 299, true}, {"a3", "other", 0, false}, {"other", "u3", 0, false},
		{"u1", "a2", 0, false}, {"", "", 0, false}, {"a2", "u1", 150, true},
	} {
		for range 2 { // the second time from memory
			if got := f.Erases(c.account, c.user, c.published); got != c.want {
				t.Errorf("%+v: %v", c, got)
			}
		}
	}
	for i := range 2 * maxSeen {
		f.Erases("a", fmt.Sprint(i), 1)
	}
	if len(f.seen) > maxSeen {
		t.Errorf("%d are remembered", len(f.seen))
	}
	other := NewErasureKey()
	if other.Hash(Person{User: "u1"}) == key.Hash(Person{User: "u1"}) || other.ID() == key.ID() {
		t.Error("the hash does not depend on the key")
	}
	if key.Hash(Person{User: "ab"}) == key.Hash(Person{User: "a", Account: "b"}) {
		t.Error("two persons have one hash")
	}
}

func TestErasureKey(t *testing.T) {
	t.Parallel()
	key := NewErasureKey()
	again, err := ParseErasureKey(" " + key.Text() + "\n")
	if err != nil || again != key {
		t.Error(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", &key, &key, &key); strings.Contains(text, key.Text()) {
		t.Error("the key is printed")
	}
	for _, text := range []string{"", "00", key.Text() + "00", strings.Repeat("x", 64)} {
		if _, err := ParseErasureKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	h := key.Hash(Person{User: "u"})
	if got, ok := ParsePersonHash(h.String()); !ok || got != h {
		t.Error("a hash is not read back")
	}
	if _, ok := ParsePersonHash("00"); ok {
		t.Error("two digits are a hash")
	}
}

func TestPersonsThatNobodyIs(t *testing.T) {
	t.Parallel()
	for _, p := range []Person{{}, {User: "a\x00b"}, {User: "a\nb"}, {User: " "}, {User: "u", Account: "\u0085"},
		{Account: "\xff"}, {User: strings.Repeat("x", 2000)}} {
		if p.Validate() == nil {
			t.Errorf("%+v is taken", p)
		}
	}
	for _, p := range []Person{{User: "josé"}, {Account: "company-123"}, {User: "a b", Account: "c"}} {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
}
