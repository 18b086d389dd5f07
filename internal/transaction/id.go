package transaction

import (
	"crypto/sha1" // RFC 9562 prescribes SHA-1 for UUIDv5; it names, it does not protect.
	"encoding/hex"
)

// ID is a transaction's UUID, in network byte order.
type ID [16]byte

// Namespace is uuid5(NAMESPACE_URL, "txflow/transaction"), the namespace of every id that is not a UUID already.
var namespace = ID{0x44, 0x24, 0x88, 0x56, 0x64, 0xa8, 0x59, 0xd4, 0x8d, 0xcc, 0x1e, 0x90, 0x17, 0xe3, 0xd9, 0x5d}

// String returns the canonical form: 36 characters, lower case.
func (id ID) String() string { return string(id.Append(make([]byte, 0, 36))) }

// Append appends the canonical form to b.
func (id ID) Append(b []byte) []byte {
	for i, n := range [5]int{4, 2, 2, 2, 6} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[:n])
		copy(id[:], id[n:])
	}
	return b
}

// ParseUUID reads a UUID in canonical form (8-4-4-4-12), in any case.
func ParseUUID(b []byte) (id ID, ok bool) {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return ID{}, false
	}
	out := 0
	for i := 0; i < 36; i += 2 {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			i++
		}
		hi, lo := hexValue[b[i]], hexValue[b[i+1]]
		if hi|lo > 15 {
			return ID{}, false
		}
		id[out] = hi<<4 | lo
		out++
	}
	return id, true
}

var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := byte(0); i < 10; i++ {
		t['0'+i] = i
	}
	for i := byte(0); i < 6; i++ {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// DeriveID returns the identity of a source's id: the UUID itself if it is one, else the UUIDv5 in txflow's namespace
// of the trimmed id, preceded by source and a unit separator when a source is named, so that two systems may both count
// from 1.
func DeriveID(source string, raw []byte) ID {
	if id, ok := ParseUUID(raw); ok {
		return id
	}
	var buf [128]byte
	name := append(buf[:0], namespace[:]...)
	if source != "" {
		name = append(name, source...)
		name = append(name, 0x1f)
	}
	name = append(name, raw...)
	sum := sha1.Sum(name)
	var id ID
	copy(id[:], sum[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}
