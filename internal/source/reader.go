// Package source reads the CSV files of a run: by URL, plain or compressed, in whatever dialect they come, with every
// row checked. Validate and reconcile read through it, so they can not disagree on what a row is.
package source

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"syscall"

	"github.com/txflow/txflow/internal/fault"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/internal/csvfile"
	"github.com/txflow/txflow/internal/transaction"
)

// Opener opens a file by URL.
type Opener interface {
	OpenSource(ctx context.Context, url string) (io.ReadCloser, error)
}

// Options say how to read. The zero Dialect detects.
type Options struct {
	Dialect   csvfile.Options
	MaxRecord int // bytes of one record; more is an error of the file
	Rules     transaction.Rules
}

// DefaultMaxRecord is far above any honest row: what exceeds it is an open quote or another format.
const DefaultMaxRecord = 1 << 20

const (
	headBytes  = 64 << 10
	blockBytes = 512 << 10
)

// Reader reads one file.
type Reader struct {
	URL     string
	Dialect csvfile.Dialect
	Rules   transaction.Rules

	raw      *countingHash
	file     io.Closer
	unpacked io.Reader
	closers  []func()
	splitter *csvfile.Splitter
	marks    marks
}

// Open opens a file and detects its compression and dialect. Errors carry exit codes: 65 for a file that is not CSV of
// transactions, 69 where it can not be had.
func Open(ctx context.Context, opener Opener, url string, opt Options) (*Reader, error) {
	file, err := opener.OpenSource(ctx, url)
	if err != nil {
		return nil, openError(url, err)
	}
	r := &Reader{URL: url, Rules: opt.Rules, file: file, raw: &countingHash{r: file, sum: sha256.New()}}
	if err := r.detect(opt); err != nil {
		r.Close()
		return nil, r.fail(err)
	}
	return r, nil
}

func (r *Reader) detect(opt Options) error {
	packed := bufio.NewReaderSize(r.raw, headBytes)
	if err := r.unpack(packed); err != nil {
		return err
	}
	text := bufio.NewReaderSize(r.unpacked, headBytes)
	head, err := text.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	opt.Dialect.Cut = err == nil
	r.Dialect, err = csvfile.Detect(head, transaction.Columns[:], "amount", opt.Dialect)
	if err != nil {
		return err
	}
	r.Rules.DecimalPoint = r.Dialect.DecimalPoint
	if _, err := text.Discard(r.Dialect.HeaderBytes); err != nil {
		return err
	}
	if opt.MaxRecord <= 0 {
		opt.MaxRecord = DefaultMaxRecord
	}
	r.splitter = csvfile.NewSplitter(text, r.Dialect.Delimiter, blockBytes, opt.MaxRecord, r.Dialect.FirstLine)
	return nil
}

// unpack looks at the first bytes rather than at the name.
func (r *Reader) unpack(packed *bufio.Reader) error {
	magic, _ := packed.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(packed)
		if err != nil {
			return fmt.Errorf("read the gzip header: %w", err)
		}
		r.unpacked = &unpacker{z, "gzip"}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(magic) == 4 && magic[0]&0xf0 == 0x50 &&
		bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18}):
		// The second is a skippable frame, which pzstd begins with.
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return fmt.Errorf("read the zstd header: %w", err)
		}
		r.closers = append(r.closers, z.Close)
		r.unpacked = &unpacker{z, "zstd"}
	default:
		r.unpacked = packed
	}
	return nil
}

// unpacker says what is wrong with a packed file.
type unpacker struct {
	r    io.Reader
	kind string
}

func (u *unpacker) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF): // not wrapped: to a reader of text it would be the end
		err = fmt.Errorf("the %s file is cut off: copy it again, or have it packed again", u.kind)
	case errors.Is(err, gzip.ErrHeader):
		err = errors.New("after its packed text the gzip file has bytes that are no gzip, padding for example: unpack it " +
			"by hand, gzip -dc FILE")
	}
	return n, err
}

// Digest returns the SHA-256 (hex) and the size of the stored file. It is whole after Scan.
func (r *Reader) Digest() (sum string, size int64) {
	return hex.EncodeToString(r.raw.sum.Sum(nil)), r.raw.n
}

// Close frees the file.
func (r *Reader) Close() {
	for _, c := range r.closers {
		c()
	}
	_ = r.file.Close() // it was only read
}

type countingHash struct {
	r      io.Reader
	sum    hash.Hash
	n      int64
	failed error // what ended the reading before the end of the file
}

func (c *countingHash) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	if err != nil && err != io.EOF { // a wrapped one is no end
		c.failed, err = err, errUnreadable // which no reader above takes for an end
	}
	return n, err
}

var errUnreadable = errors.New("the file could not be read to its end")

func openError(url string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.WithHint(fault.Failf(fault.ExitData, "%s: no such file", url), "check the path; a glob wants quotes")
	}
	if errors.Is(err, syscall.EISDIR) {
		return fault.WithHint(fault.Failf(fault.ExitData, "%s is a folder: %w", url, err),
			"name a file in it, or several by a glob such as '*.csv'")
	}
	return fmt.Errorf("open %s: %w", url, err)
}

// fail gives an error its exit code. When the file could not be read it is the reader's own, whatever the formats on
// top of it made of the cut; else the file itself is wrong.
func (r *Reader) fail(err error) error {
	if r.raw.failed != nil {
		return fault.Failf(fault.ExitUnavailable, "%s could not be read to its end: %w", r.URL, r.raw.failed)
	}
	return dataError(r.URL, err)
}

func dataError(url string, err error) error {
	var header *csvfile.HeaderError
	var ambiguous *csvfile.AmbiguousError
	failed := fault.Failf(fault.ExitData, "%s: %w", url, err)
	switch {
	case errors.Is(err, csvfile.ErrEmpty):
		return fault.WithHint(failed, "not even the columns' names are there: see whether what writes the file has ended")
	case errors.As(err, &ambiguous):
		mark, other := string(ambiguous.Mark), "."
		if mark == "." {
			other = ","
		}
		return fault.WithHint(failed,
			"--decimal '%s' if 1%s234 is a little more than one; --decimal '%s' --thousands '%s' if it is more than a thousand",
			mark, mark, other, mark)
	case errors.As(err, &header):
		return fault.WithHint(failed, "the first line must name the columns %v; leave --delimiter out to have it detected",
			transaction.Columns)
	}
	return failed
}
