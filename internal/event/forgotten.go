package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strings"
)

// Tombstone says that a person is forgotten: events that were published before a time are erased.
type Tombstone struct {
	Hash  PersonHash
	Scope Scope
	KeyID string // of the key of the hash
	At    int64  // microseconds since 1970, by the broker's clock
}

// Forgotten are the persons of tombstones. It is for one goroutine.
type Forgotten struct {
	mac    hash.Hash
	before map[PersonHash]int64
	scopes map[Scope]bool
	text   []byte
	seen   map[Person]int64 // what was found lately, by account and user; to hash costs more
}

// maxSeen bounds seen.
const maxSeen = 4096

// NewForgotten knows nobody yet.
func NewForgotten(key *ErasureKey) *Forgotten {
	return &Forgotten{mac: hmac.New(sha256.New, key[:]), before: map[PersonHash]int64{}, scopes: map[Scope]bool{},
		seen: map[Person]int64{}}
}

// Add adds a tombstone. Of several of one person the latest counts.
func (f *Forgotten) Add(t *Tombstone) {
	f.before[t.Hash] = max(f.before[t.Hash], t.At)
	f.scopes[t.Scope] = true
	clear(f.seen)
}

// Erases reports whether an event of an account and a user is erased that was published at a time, in microseconds
// since 1970.
func (f *Forgotten) Erases(account, user string, published int64) bool {
	if f == nil || len(f.before) == 0 {
		return false
	}
	of := Person{User: user, Account: account}
	before, ok := f.seen[of]
	if !ok {
		before = f.look(of)
		if len(f.seen) >= maxSeen {
			clear(f.seen)
		}
		// The texts are parts of a whole message, which is not to be kept.
		f.seen[Person{User: strings.Clone(user), Account: strings.Clone(account)}] = before
	}
	return published < before
}

func (f *Forgotten) look(of Person) (before int64) {
	for _, p := range [...]Person{{User: of.User}, {Account: of.Account}, of} {
		if (p.User == "" && p.Account == "") || !f.scopes[p.Scope()] {
			continue
		}
		var h PersonHash
		f.text = appendPerson(f.text[:0], p)
		f.mac.Reset()
		_, _ = f.mac.Write(f.text) // it never fails
		f.mac.Sum(h[:0])
		before = max(before, f.before[h])
	}
	return before
}
