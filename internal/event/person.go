package event

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Person says whose events are meant, by the ids that senders give: those of a user, of an account, or of a user of an
// account. "" stands for any.
type Person struct{ User, Account string }

// maxPersonID is how long an id may be, in bytes; the collector takes no longer ones.
const maxPersonID = 1024

// Validate is an error for ids that no event can have, and for a person without any id.
func (p Person) Validate() error {
	if p.User == "" && p.Account == "" {
		return errors.New("neither a user nor an account is named")
	}
	for _, id := range [...]struct{ name, text string }{{"user", p.User}, {"account", p.Account}} {
		switch {
		case len(id.text) > maxPersonID:
			return fmt.Errorf("the %s is longer than %d bytes", id.name, maxPersonID)
		case !utf8.ValidString(id.text):
			return fmt.Errorf("the %s is not valid UTF-8", id.name)
		case strings.ContainsFunc(id.text, unicode.IsControl):
			return fmt.Errorf("the %s holds a control character", id.name)
		case id.text != "" && strings.TrimSpace(id.text) == "":
			return fmt.Errorf("the %s is nothing but white space", id.name)
		}
	}
	return nil
}

// Is reports whether an event of an account and a user is the person's.
func (p Person) Is(account, user string) bool {
	return (p.User == "" || p.User == user) && (p.Account == "" || p.Account == account)
}

// Scope is what a person is known by.
type Scope string

// The scopes of a person.
const (
	ScopeUser          Scope = "user"
	ScopeAccount       Scope = "account"
	ScopeUserOfAccount Scope = "user_of_account"
)

// Scope of the person.
func (p Person) Scope() Scope {
	switch {
	case p.Account == "":
		return ScopeUser
	case p.User == "":
		return ScopeAccount
	}
	return ScopeUserOfAccount
}

// ErasureKey is the key of the hashes of persons: 32 random bytes. Without it a hash can not be tried out.
type ErasureKey [32]byte

// NewErasureKey makes a key.
func NewErasureKey() (k ErasureKey) {
	_, _ = rand.Read(k[:]) // it never fails (crypto/rand)
	return k
}

// ParseErasureKey reads what Text writes, with white space around it.
func ParseErasureKey(text string) (k ErasureKey, err error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != len(k) {
		return k, fmt.Errorf("a key is %d bytes in hexadecimal", len(k))
	}
	copy(k[:], b)
	return k, nil
}

// Text is the key in hexadecimal.
func (k *ErasureKey) Text() string { return hex.EncodeToString(k[:]) }

// ID names the key and does not give it away: the beginning of its SHA-256.
func (k *ErasureKey) ID() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:4])
}

// String and GoString keep the key out of logs.
func (k *ErasureKey) String() string { return "key " + k.ID() }

// GoString is String.
func (k *ErasureKey) GoString() string { return k.String() }

// PersonHash is the HMAC-SHA-256 of a person.
type PersonHash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h PersonHash) String() string { return hex.EncodeToString(h[:]) }

// ParsePersonHash reads what String writes.
func ParsePersonHash(text string) (h PersonHash, ok bool) {
	b, err := hex.DecodeString(text)
	return PersonHash(append(b, make([]byte, len(h))...)), err == nil && len(b) == len(h)
}

// Hash of a person.
func (k *ErasureKey) Hash(p Person) (h PersonHash) {
	mac := hmac.New(sha256.New, k[:])
	_, _ = mac.Write(appendPerson(nil, p)) // it never fails
	mac.Sum(h[:0])
	return h
}

// appendPerson appends what is hashed: each id with its length before it.
func appendPerson(b []byte, p Person) []byte {
	b = append(binary.BigEndian.AppendUint64(b, uint64(len(p.User))), p.User...)
	return append(binary.BigEndian.AppendUint64(b, uint64(len(p.Account))), p.Account...)
}
