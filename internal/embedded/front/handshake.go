package front

import (
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

const displayName = "txflow embedded"

// EngineVersion is what the pinned engine answers to SELECT version().
const EngineVersion = "26.7.2.1"

// handshakeRevision is the protocol revision at which clickhouse-go decodes the answer to its handshake.
const handshakeRevision = 54460

// isHandshake recognises the query that clickhouse-go sends first.
func isHandshake(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), "SELECT displayName(), version(), revision(), timezone()")
}

// writeHandshake answers clickhouse-go. The revision that it gets is 0: from then on it reads and writes plain Native
// blocks, the only ones that the engine's C interface has.
func writeHandshake(w http.ResponseWriter, p packer) error {
	var name, version, timezone proto.ColStr
	var revision proto.ColUInt32
	name.Append(displayName)
	version.Append(EngineVersion)
	revision.Append(0)
	timezone.Append("UTC")
	columns := proto.Input{{Name: "displayName()", Data: &name}, {Name: "version()", Data: &version},
		{Name: "revision()", Data: &revision}, {Name: "timezone()", Data: &timezone}}
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(columns), Rows: 1}
	var buf proto.Buffer
	if err := block.EncodeBlock(&buf, handshakeRevision, columns); err != nil {
		return err
	}
	w.Header().Set("X-ClickHouse-Format", "Native")
	w.Header().Set("Content-Type", "application/octet-stream")
	to, end := p.pack(w)
	_, _ = to.Write(buf.Buf) // an error means that the client is gone
	_ = end()
	return nil
}
