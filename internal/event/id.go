package event

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // UUIDs of version 5 are made with it (RFC 9562, 5.5)
	"encoding/hex"
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
	sum := sha1.Sum(b) //nolint:gosec // see above
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return id
}

// String is the canonical text of a UUID: 36 characters, in lower case.
func (id ID) String() string { return string(id.Append(nil)) }

// Append appends String.
func (id ID) Append(dst []byte) []byte {
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// ParseID reads the canonical text of a UUID, in lower or upper case.
func ParseID(text string) (id ID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, false
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	n, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil && n == len(id)
}
