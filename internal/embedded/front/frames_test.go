package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/go-faster/city"
	"github.com/klauspost/compress/zstd"
)

// frame makes a frame with a right checksum, whatever it announces.
func frame(method byte, packed []byte, announced uint32) []byte {
	b := append(make([]byte, frameSum), method)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(packed)+frameHeader-frameSum))
	b = append(binary.LittleEndian.AppendUint32(b, announced), packed...)
	sum := city.CH128(b[frameSum:])
	binary.LittleEndian.PutUint64(b, sum.Low)
	binary.LittleEndian.PutUint64(b[8:], sum.High)
	return b
}

func packedBy(tb testing.TB, method compress.Method, pieces ...string) []byte {
	tb.Helper()
	var all []byte
	w := compress.NewWriter(compress.LevelZero, method)
	for _, piece := range pieces {
		if err := w.Compress([]byte(piece)); err != nil {
			tb.Fatal(err)
		}
		all = append(all, w.Data...)
	}
	return all
}

func zeros(tb testing.TB, n int) []byte {
	tb.Helper()
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	return e.EncodeAll(make([]byte, n), nil)
}

// readFrames reads all and tells how many bytes were allocated for it.
func readFrames(body []byte) (got []byte, allocated uint64, err error) {
	f := &frameReader{r: bytes.NewReader(body)}
	defer f.close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err = io.ReadAll(f)
	runtime.ReadMemStats(&after)
	return got, after.TotalAlloc - before.TotalAlloc, err
}

// TestFramesTakeWhatTheyBring has frames that announce more than they bring, or bring more than they announce.
func TestFramesTakeWhatTheyBring(t *testing.T) {
	header := make([]byte, frameHeader)
	header[frameSum] = frameLZ4
	binary.LittleEndian.PutUint32(header[frameSum+1:], maxFrame)
	binary.LittleEndian.PutUint32(header[frameSum+5:], maxFrame)
	for name, body := range map[string][]byte{
		"a header alone":             header,
		"zeros after a header":       append(header, make([]byte, 1000)...),
		"ZSTD of 64 MiB as one byte": frame(frameZSTD, zeros(t, 64<<20), 1),
	} {
		if _, allocated, err := readFrames(body); err == nil || allocated > 16<<20 {
			t.Errorf("%s took %d MiB: %v", name, allocated>>20, err)
		}
	}
}

// TestFramesAreBoundTogether holds frames open until no more are unpacked, and gives their memory back.
func TestFramesAreBoundTogether(t *testing.T) {
	body := frame(frameZSTD, zeros(t, maxFrame), maxFrame)
	var open []*frameReader
	var err error
	for range maxFrames/maxFrame + 1 {
		f := &frameReader{r: bytes.NewReader(body)}
		open = append(open, f)
		if err == nil {
			_, err = f.Read(make([]byte, 1))
		}
	}
	if !errors.Is(err, errFramesFull) {
		t.Errorf("%d frames of %d bytes: %v", len(open), maxFrame, err)
	}
	for _, f := range open {
		f.close()
	}
	if held := framesHeld.Load(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

// FuzzFrames compares with ClickHouse's own Go reader. What that one accepts beyond our limits is not asked for.
func FuzzFrames(f *testing.F) {
	for _, method := range []compress.Method{compress.LZ4, compress.ZSTD, compress.None} {
		whole := packedBy(f, method, "a", "", strings.Repeat("1\tabc\n", 1000))
		f.Add(whole)
		f.Add(whole[:len(whole)-1])
		f.Add(whole[:30])
		f.Add(append(whole, 1))
	}
	f.Add(frame(frameNone, []byte("abc"), 4))
	f.Add(frame(frameLZ4, []byte("abc"), 1000))
	f.Add(frame(0x91, nil, 0))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, allocated, err := readFrames(body)
		if limit := uint64(maxFrame) + 16<<20; allocated > limit && len(body) < 1<<20 {
			t.Errorf("%d bytes took %d", len(body), allocated)
		}
		want, other := io.ReadAll(compress.NewReader(bytes.NewReader(body)))
		if other != nil && errors.Is(other, io.EOF) && !errors.Is(other, io.ErrUnexpectedEOF) {
			other = nil
		}
		if err == nil && (other != nil || !bytes.Equal(got, want)) {
			t.Errorf("%d bytes are read, %d by ch-go: %v", len(got), len(want), other)
		}
	})
}
