package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-faster/city"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/txflow/txflow/internal/embedded/engine"
)

// A frame of ClickHouse's own compression: a checksum of what follows (16 bytes), the method (1), the length from the
// method on (4) and the length when unpacked (4), then the data.
const (
	frameSum    = 16
	frameHeader = frameSum + 9

	frameNone = 0x02
	frameLZ4  = 0x82
	frameZSTD = 0x90

	maxFrame  = 128 << 20 // bytes of a frame, packed or not; an insert of clickhouse-go is one frame
	maxFrames = 512 << 20 // bytes of all frames that are unpacked at once
)

var errFramesFull = &engine.Error{Code: 202, Message: fmt.Sprintf("Code: 202. DB::Exception: "+
	"Too many simultaneous queries: compressed inserts hold %d bytes at most, and nothing of this one is stored. "+
	"Try again, or send smaller blocks. (TOO_MANY_SIMULTANEOUS_QUERIES)", maxFrames)}

// framesHeld counts the unpacked bytes that all frameReaders hold.
var framesHeld atomic.Int64

// frameReader unpacks frames. Memory grows with what has come, never with what a header announces alone; ch-go's own
// reader makes room for 256 MiB on 25 bytes, and unpacks ZSTD beyond what the header announces.
type frameReader struct {
	r      io.Reader
	header [frameHeader]byte
	packed bytes.Buffer // the frame, without its checksum
	data   []byte
	left   []byte // of data, not yet read
	held   int64  // bytes of data, in framesHeld
	zstd   *zstd.Decoder
}

func (f *frameReader) Read(p []byte) (int, error) {
	for len(f.left) == 0 && len(p) > 0 { // a frame may be empty
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

// close gives the memory back; nothing can be read afterwards.
func (f *frameReader) close() {
	framesHeld.Add(-f.held)
	f.held, f.data, f.left, f.packed = 0, nil, nil, bytes.Buffer{}
}

// next reads a frame and unpacks it. The error is io.EOF where the body ends before its first byte.
func (f *frameReader) next() error {
	if _, err := io.ReadFull(f.r, f.header[:]); err != nil {
		return err
	}
	sized := f.header[frameSum+1:]
	packed := int64(binary.LittleEndian.Uint32(sized)) - (frameHeader - frameSum)
	size := int64(binary.LittleEndian.Uint32(sized[4:]))
	if packed < 0 || packed > maxFrame || size > maxFrame {
		return damaged("it announces %d bytes, %d unpacked, of %d at most", packed, size, maxFrame)
	}
	f.packed.Reset()
	f.packed.Write(f.header[frameSum:])
	if _, err := io.CopyN(&f.packed, f.r, packed); errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	sum := city.CH128(f.packed.Bytes())
	if sum.Low != binary.LittleEndian.Uint64(f.header[:]) || sum.High != binary.LittleEndian.Uint64(f.header[8:]) {
		return damaged("its checksum is not that of its bytes")
	}
	if err := f.grow(size); err != nil {
		return err
	}
	return f.unpack(f.packed.Bytes()[frameHeader-frameSum:])
}

// grow makes data hold size bytes.
func (f *frameReader) grow(size int64) error {
	if more := size - f.held; more > 0 {
		if framesHeld.Add(more) > maxFrames {
			framesHeld.Add(-more)
			return errFramesFull
		}
		f.held = size
		f.data = make([]byte, size)
	}
	f.data = f.data[:size]
	return nil
}

func (f *frameReader) unpack(packed []byte) (err error) {
	n := len(packed)
	switch method := f.header[frameSum]; method {
	case frameNone:
		if n == len(f.data) {
			copy(f.data, packed)
		}
	case frameLZ4:
		if n = 0; len(f.data) > 0 { // the library does not take room for nothing
			n, err = lz4.UncompressBlock(packed, f.data)
		}
	case frameZSTD:
		if f.zstd == nil { // one at a time: no goroutine that must be ended
			f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecodeAllCapLimit(true))
			if err != nil {
				return err
			}
		}
		var out []byte
		out, err = f.zstd.DecodeAll(packed, f.data[:0:len(f.data)])
		n = len(out)
	default:
		return damaged("its method 0x%02x is not LZ4, ZSTD or none", method)
	}
	if err != nil {
		return damaged("%w", err)
	}
	if n != len(f.data) {
		return damaged("it has %d bytes unpacked and announces %d", n, len(f.data))
	}
	f.left = f.data
	return nil
}

// damaged is a frame that nobody can read: sending it again does not help.
func damaged(format string, args ...any) error {
	return fmt.Errorf("a compressed block of the body is damaged: "+format, args...)
}
