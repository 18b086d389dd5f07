package refine

import (
	"encoding/binary"
	"encoding/json"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
	"github.com/txflow/txflow/stream/pipeline"
)

// claimSize is that of the header in which older releases wrote the claim of a message of events.silver: offset, the
// log's time and hash, each 8 bytes, and 8 bytes of a hash of the log's name.
const claimSize = 32

// claimOf reads the claim of a message of events.silver; ok is false for one of another log. Without the header it is
// in the value, unless the event is erased.
func claimOf(m *pipeline.Message, log string, logHash uint64) (c dedup.Claim, ok bool) {
	for i := range m.Headers {
		if h := &m.Headers[i]; h.Name == events.HeaderClaim && len(h.Value) == claimSize {
			c = dedup.Claim{Offset: int64(binary.BigEndian.Uint64(h.Value)),
				Time: int64(binary.BigEndian.Uint64(h.Value[8:])),
				Hash: binary.BigEndian.Uint64(h.Value[16:])}
			c.ID, ok = event.ParseID(string(m.Key))
			return c, ok && binary.BigEndian.Uint64(h.Value[24:]) == logHash
		}
	}
	var r events.Refined
	if json.Unmarshal(m.Value, &r) != nil || r.OriginDigest != log || r.Erased() {
		return c, false
	}
	c = dedup.Claim{Offset: int64(r.Position), Time: r.PublishedUS, Hash: r.ContentHash}
	c.ID, ok = event.ParseID(r.EventID)
	return c, ok
}
