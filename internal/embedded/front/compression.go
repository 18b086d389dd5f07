package front

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/txflow/txflow/internal/embedded/engine"
)

// maxWindow is what a client of zstd's HTTP encoding may ask to keep (RFC 9659).
const maxWindow = 8 << 20

// unpack undoes the compression of a body: HTTP's own, or ClickHouse's (?decompress=1) where frames is not nil, or
// both.
func unpack(body io.Reader, encoding string, frames *frameReader) (io.Reader, error) {
	body = &wholeBody{r: body}
	var err error
	switch encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	case "br":
		body = brotli.NewReader(body)
	case "zstd":
		body, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow)) // one: no goroutine that must be ended
	case "lz4":
		body = lz4.NewReader(body)
	default:
		return nil, &engine.Error{Code: 48, Message: "Code: 48. DB::Exception: Unknown HTTP content encoding " + encoding +
			": use gzip, deflate, br, zstd or lz4. (NOT_IMPLEMENTED)"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the %s body: %w", encoding, err)
	}
	if frames != nil {
		frames.r, body = body, frames
	}
	return &wholeBody{r: body}, nil
}

// wholeBody keeps the end of a body and its breaking off apart for readers that would take one for the other.
type wholeBody struct{ r io.Reader }

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != io.EOF && errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCutOff
	}
	return n, err
}

var errCutOff = errors.New("the body breaks off before its end: nothing of it is stored")

// blockWriter writes ClickHouse's own compression (?compress=1): LZ4 blocks with a checksum.
type blockWriter struct {
	w     io.Writer
	block *compress.Writer
}

// maxBlock is ClickHouse's own default for a block (max_compress_block_size).
const maxBlock = 1 << 20

func (b *blockWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		piece := p[done:min(done+maxBlock, len(p))]
		if err := b.block.Compress(piece); err != nil {
			return done, err
		}
		if _, err := b.w.Write(b.block.Data); err != nil {
			return done, err
		}
		done += len(piece)
	}
	return len(p), nil
}

// packer compresses a response as its request asks.
type packer struct{ gzip, blocks bool }

// pack sets the headers and returns where to write and what to call after the last byte.
func (p packer) pack(w http.ResponseWriter) (to io.Writer, end func() error) {
	to, end = w, func() error { return nil }
	if p.gzip {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
		to, end = z, z.Close
	}
	if p.blocks {
		to = &blockWriter{w: to, block: compress.NewWriter(compress.LevelZero, compress.LZ4)}
	}
	if !p.gzip && !p.blocks {
		return to, end
	}
	buffered, inner := bufio.NewWriterSize(to, 64<<10), end
	return buffered, func() error { return errors.Join(buffered.Flush(), inner()) }
}
