package refine

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/txflow/txflow/stream/events/dedup"
)

// A message of events.claims has the claims of one transaction in one partition of events.raw. It is written in that
// transaction, so that it is there if, and only if, the messages of events.silver are. It says:
//
//   - the format, 1 byte; a hash of the log's name, 8 bytes;
//   - next, an offset of events.raw, and since, a time of that log: the claims of every message before next that is of
//     that time or later are in events.claims up to here. Older ones may be in events.silver alone, if an older release
//     wrote them;
//   - the claims by their offsets: how much later the offset is, how much later the time, the hash and the id.
//
// Numbers are variable (encoding/binary), hash and id 8 and 16 bytes.
const claimsFormat = 1

// packBytes is where a message of claims ends: Kafka takes a megabyte.
const packBytes = 512 << 10

// pack makes messages of claims of a partition.
type pack struct {
	partition int32
	log       uint64 // see hashOf
	since     int64
	next      int64 // after the last message of the batch
	full      []packed
	claims    []byte // those of the message in work
	last      dedup.Claim
}

// packed is the claims of a full message.
type packed struct {
	next   int64
	claims []byte
}

func (p *pack) reset(partition int32, log uint64, since int64) {
	*p = pack{partition: partition, log: log, since: since, full: p.full[:0], claims: p.claims[:0]}
}

func (p *pack) add(c *dedup.Claim) {
	if len(p.claims) >= packBytes {
		p.full = append(p.full, packed{p.last.Offset + 1, p.claims})
		p.claims, p.last = nil, dedup.Claim{}
	}
	p.claims = binary.AppendVarint(p.claims, c.Offset-p.last.Offset)
	p.claims = binary.AppendVarint(p.claims, c.Time-p.last.Time)
	p.claims = binary.BigEndian.AppendUint64(p.claims, c.Hash)
	p.claims = append(p.claims, c.ID[:]...)
	p.last = *c
}

// values are those of the messages.
func (p *pack) values() [][]byte {
	var values [][]byte
	for _, m := range append(p.full, packed{p.next, p.claims}) {
		const head = 1 + 8 + 2*binary.MaxVarintLen64
		v := append(make([]byte, 0, head+len(m.claims)), claimsFormat)
		v = binary.BigEndian.AppendUint64(v, p.log)
		v = binary.AppendVarint(binary.AppendVarint(v, m.next), p.since)
		values = append(values, append(v, m.claims...))
	}
	return values
}

// PackClaims makes messages of events.claims, in the order of their offsets; next is the offset after the last. No
// others are before them in the log.
func PackClaims(log string, next int64, all []dedup.Claim) [][]byte {
	var p pack
	p.reset(0, hashOf(log), 0)
	for i := range all {
		p.add(&all[i])
	}
	p.next = next
	return p.values()
}

// claims reads a message of claims.
type claims struct {
	log         uint64
	next, since int64
	rest        []byte
	last        dedup.Claim
}

// openClaims reads the head of a message; ok is false for one that is none of a format that this release knows.
func openClaims(value []byte) (c claims, ok bool) {
	const fixed = 1 + 8
	if len(value) < fixed || value[0] != claimsFormat {
		return c, false
	}
	c.log, c.rest = binary.BigEndian.Uint64(value[1:]), value[fixed:]
	next, okNext := c.number()
	since, okSince := c.number()
	c.next, c.since = next, since
	return c, okNext && okSince
}

func (c *claims) number() (int64, bool) {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		return 0, false
	}
	c.rest = c.rest[size:]
	return n, true
}

// claim reads the next claim into last; more is false at the end, whole is false where the message is cut off.
func (c *claims) claim() (more, whole bool) {
	if len(c.rest) == 0 {
		return false, true
	}
	offset, okOffset := c.number()
	at, okTime := c.number()
	const fixed = 8 + 16
	if !okOffset || !okTime || len(c.rest) < fixed {
		return false, false
	}
	c.last.Offset += offset
	c.last.Time += at
	c.last.Hash = binary.BigEndian.Uint64(c.rest)
	copy(c.last.ID[:], c.rest[8:fixed])
	c.rest = c.rest[fixed:]
	return true, true
}

// hashOf stands for the name of a log.
func hashOf(log string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(log)) // it never fails
	return h.Sum64()
}
