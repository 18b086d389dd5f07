package event

import (
	"crypto/rand"
	"crypto/sha1" // UUIDs of version 5 are made with it (RFC 9562, 5.5)
	"strconv"
)

// ID is a UUID: of an event, or of a package.
type ID [16]byte

// namespace of the ids that are made from what a sender says.
var namespace = ID{0x7d, 0x7b, 0x0c, 0x29, 0x6a, 0x0e, 0x4a, 0x51, 0x9b, 0x0c, 0x55, 0x27, 0x1e, 0x0b, 0x4f, 0x63}

// NewID is a random UUID (version 4).
func NewID() (id ID) {
	_, _ = rand.Read(id[:]) // it never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// MessageEventID is the id of an event whose sender stamped it with a message id: the same whenever it is sent again.
// Senders with tokens of different names never share an id.
func MessageEventID(token, message string) ID { return named("message", token, message) }

// KeyCorrelation is the id of a package that was sent with an Idempotency-Key.
func KeyCorrelation(token, key string) ID { return named("package", token, key) }

// PackageEventID is the id of an event without a message id, by its place in a package.
func PackageEventID(correlation ID, index int) ID {
	return named("event", string(correlation[:]), strconv.Itoa(index))
}

// named is a UUID of version 5. The parts are separated by a byte that is not valid in UTF-8.
func named(parts ...string) (id ID) {
	var buffer [256]byte // usually enough
	b := append(buffer[:0], namespace[:]...)
	for _, part := range parts {
		b = append(append(b, part...), 0xff)
	}
	sum := sha1.Sum(b)
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return id
}

// String is the canonical text of a UUID: 36 characters, in lower case.
func (id ID) String() string { return string(id.Append(nil)) }

// Append appends String. It is written out, as ParseID is: each event has its ids written four times on its way.
func (id ID) Append(dst []byte) []byte {
	const digits = "0123456789abcdef"
	var text [36]byte
	at := 0
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = digits[b>>4], digits[b&15]
		at += 2
	}
	return append(dst, text[:]...)
}

// hexValues are those of hexadecimal digits in lower or upper case; 0xff for other bytes.
var hexValues = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// ParseID reads the canonical text of a UUID, in lower or upper case.
func ParseID(text string) (id ID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, false
	}
	at, wrong := 0, byte(0)
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			at++
		}
		high, low := hexValues[text[at]], hexValues[text[at+1]]
		id[i] = high<<4 | low
		wrong |= high | low
		at += 2
	}
	if wrong > 15 {
		return ID{}, false
	}
	return id, true
}
