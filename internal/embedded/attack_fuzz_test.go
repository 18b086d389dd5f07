package embedded_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/go-faster/city"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	fuzzRequests = 1000
	fuzzWorkers  = 8
	fuzzMiB      = 2560 // that the process may grow by, with what its limits allow
)

// attackFuzz sends random requests, measures memory, and then works. TXFLOW_FUZZ_SEED repeats a run or makes another.
func attackFuzz(a *attacker) {
	seed := uint64(1)
	if text := os.Getenv("TXFLOW_FUZZ_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		must(a.T, err)
		seed = n
	}
	must200(a.T, a.sql("CREATE TABLE victim.fuzz (n UInt64, s String, l LowCardinality(Nullable(String)), a "+
		"Array(UInt8)) ENGINE = MergeTree ORDER BY n"))
	bombs := fuzzBombs(a)
	before := residentMiB(a.T)
	var most atomic.Int64
	var workers sync.WaitGroup
	failed := make(chan string, fuzzRequests)
	for w := range fuzzWorkers {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := range fuzzRequests / fuzzWorkers {
				target, body, header := fuzzRequest(r, a.p.ClickHouseURL(), bombs)
				if got := a.send("POST", target, body, header...); got.status < 200 || got.status > 503 {
					failed <- fmt.Sprintf("request %d of worker %d, %s %v: %d %.200s", i, w, target, header, got.status, got.body)
				}
				for now := int64(residentMiB(a.T)); ; {
					if old := most.Load(); now <= old || most.CompareAndSwap(old, now) {
						break
					}
				}
			}
		})
	}
	workers.Wait()
	close(failed)
	a.tried += fuzzRequests
	for text := range failed {
		a.Errorf("seed %d: %s", seed, text)
	}
	a.Logf("%d MiB resident at most, %d before", most.Load(), before)
	if most.Load() > int64(before+fuzzMiB) {
		a.Errorf("seed %d: %d MiB resident, %d before", seed, most.Load(), before)
	}
	must200(a.T, a.sql("TRUNCATE TABLE victim.fuzz"))
	must200(a.T, a.sql("INSERT INTO victim.fuzz (n, s) VALUES (1, 'a'), (2, 'b')"))
	if got := a.sql("SELECT count(), sum(n), any(l) IS NULL FROM victim.fuzz"); got.body != "2\t3\t1\n" {
		a.Errorf("seed %d: afterwards the table holds %v", seed, got)
	}
}

// fuzzRequest makes a request: an insert or a statement, its bytes random or damaged, packed or only said to be.
func fuzzRequest(r *rand.Rand, base string, bombs []fuzzBody) (target, body string, header []string) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	q := url.Values{}
	data := fuzzBytes(r)
	encoding, framed := "", false
	switch r.IntN(4) {
	case 0:
		bomb := bombs[r.IntN(len(bombs))]
		data, encoding, framed = bomb.data, bomb.encoding, bomb.framed
	case 1:
		framed = true
		data = fuzzFrame(byte([]int{0x02, 0x82, 0x90, r.IntN(256)}[r.IntN(4)]), data,
			[]uint32{0, 1, uint32(len(data)), 1 << 20, 128 << 20, r.Uint32()}[r.IntN(6)])
	case 2:
		encoding = pick("gzip", "deflate", "br", "zstd", "lz4")
		data = fuzzPack(encoding, data)
	default:
		encoding, framed = pick("", "", "gzip", "deflate", "br", "zstd", "lz4", "x", "gzip, br"), r.IntN(2) == 0
	}
	switch r.IntN(4) { // damaged on the way
	case 0:
		data = data[:r.IntN(len(data)+1)]
	case 1:
		data = bytes.Clone(data)
		for range min(len(data), 3) {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
	}
	if r.IntN(8) > 0 {
		q.Set("query", "INSERT INTO victim.fuzz "+pick("", "(n, s) ", "(nothing) ")+"FORMAT "+pick("Native", "Native",
			"Native", "RowBinary", "TSV", "JSONEachRow", "Parquet", "Arrow", "None"))
	}
	if framed {
		q.Set("decompress", "1")
	}
	for range r.IntN(3) {
		name := pick("compress", "database", "default_format", "query_id", "session_id", "param_x", "max_threads", "readonly",
			"max_insert_block_size", "wait_end_of_query", "no_such", "enable_http_compression", "\x00", "role")
		q.Set(name, pick("1", "0", "-1", "18446744073709551616", "victim", "Native", "\xff\x00", "';--",
			string(fuzzBytes(r)[:8])))
	}
	if encoding != "" {
		header = append(header, "Content-Encoding", encoding)
	}
	for range r.IntN(3) {
		header = append(header, pick("X-ClickHouse-Format", "X-ClickHouse-Database", "X-ClickHouse-User",
			"X-ClickHouse-Query-Id", "Accept-Encoding", "Content-Type", "Authorization", "X-Forwarded-For"),
			pick("gzip", "Native", "default", "Basic !!", "a\tb", "\xc3\xa9", "%00", "victim"))
	}
	return base + "/?" + q.Encode(), string(data), header
}

// fuzzBytes makes noise, or a block of Native whose numbers are likely to mean something.
func fuzzBytes(r *rand.Rand) []byte {
	noise := make([]byte, 8+r.IntN(4<<10))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	if r.IntN(3) == 0 {
		return noise
	}
	text := func(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b := binary.AppendUvarint(nil, uint64([]int{1, 2, 4, r.IntN(1 << 30)}[r.IntN(4)]))
	b = binary.AppendUvarint(b, []uint64{0, 1, 100, 1 << 20, 1 << 40, r.Uint64()}[r.IntN(6)])
	for _, column := range [][2]string{{"n", "UInt64"}, {"s", "String"}, {"l", "LowCardinality(Nullable(String))"},
		{"a", "Array(UInt8)"}} {
		b = text(text(b, column[0]), column[1])
		b = append(b, noise[:r.IntN(len(noise))]...)
	}
	return b
}

// fuzzFrame makes a frame of ClickHouse's compression with a right checksum, whatever it announces.
func fuzzFrame(method byte, packed []byte, announced uint32) []byte {
	b := append(make([]byte, 16), method)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(packed)+9))
	b = append(binary.LittleEndian.AppendUint32(b, announced), packed...)
	sum := city.CH128(b[16:])
	binary.LittleEndian.PutUint64(b, sum.Low)
	binary.LittleEndian.PutUint64(b[8:], sum.High)
	return b
}

// fuzzPack packs by one of HTTP's encodings.
func fuzzPack(encoding string, data []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "br":
		w = brotli.NewWriterLevel(&b, 1)
	case "lz4":
		w = lz4.NewWriter(&b)
	default:
		w, _ = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1)) // the options are valid
	}
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return b.Bytes()
}

type fuzzBody struct {
	data     []byte
	encoding string
	framed   bool
}

// fuzzBombs are bodies that unpack to far more than they are, or say so.
func fuzzBombs(a *attacker) []fuzzBody {
	zeros := make([]byte, 16<<20)
	var all []fuzzBody
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "lz4"} {
		all = append(all, fuzzBody{fuzzPack(encoding, zeros), encoding, false})
	}
	lz := compress.NewWriter(compress.LevelZero, compress.LZ4)
	must(a.T, lz.Compress(zeros))
	huge := fuzzPack("zstd", make([]byte, 512<<20))
	header := fuzzFrame(0x82, nil, 128<<20)
	binary.LittleEndian.PutUint32(header[17:], 128<<20)
	return append(all, fuzzBody{bytes.Clone(lz.Data), "", true}, fuzzBody{fuzzFrame(0x90, fuzzPack("zstd", zeros), 16<<20),
		"", true}, fuzzBody{fuzzFrame(0x90, huge, 1), "", true}, fuzzBody{fuzzFrame(0x90, huge, 128<<20), "", true},
		fuzzBody{append(header, make([]byte, 100)...), "", true}, fuzzBody{fuzzPack("gzip", fuzzFrame(0x90, huge, 1)), "gzip",
			true})
}
