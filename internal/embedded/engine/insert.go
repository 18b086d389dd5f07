package engine

import (
	"context"
	"io"
	"runtime"
	"sync"
	"unsafe"
)

// insertBuffer is large enough for few calls, and small enough to stay in the cache.
const insertBuffer = 1 << 20

// Insert runs "INSERT INTO t (columns)", which must have no FORMAT clause, with the rows of r in the statement's format.
// Rows count only when r ends with io.EOF: any other error cancels the insert, and nothing of it is stored.
func (e *Engine) Insert(ctx context.Context, s Statement, r io.Reader) (Stats, error) {
	var stats Stats
	err := e.with(ctx, s, func(c *conn) error {
		q, ql := text(s.SQL)
		f, fl := text(s.format())
		stream := e.lib.insert(c.handle, q, ql, f, fl)
		runtime.KeepAlive(s)
		defer e.lib.freeInsert(stream)
		if message := e.lib.insertError(stream); message != "" {
			return newError(message)
		}
		if err := e.feed(ctx, stream, r); err != nil {
			return err
		}
		result := e.lib.doneInsert(stream)
		defer e.lib.freeResult(result)
		if message := e.lib.errorOf(result); message != "" {
			return newError(message)
		}
		stats.RowsWritten = e.lib.rowsWritten(result)
		return nil
	})
	return stats, err
}

// feed hands the rows over, and cancels the insert when they break off.
func (e *Engine) feed(ctx context.Context, stream uintptr, r io.Reader) error {
	buf := buffers.Get().(*[insertBuffer]byte)
	defer buffers.Put(buf)
	for {
		n, err := fill(r, buf[:])
		if n > 0 && (err == nil || err == io.EOF) && e.lib.appendInsert(stream, unsafe.Pointer(&buf[0]), uintptr(n)) != 0 { //nolint:errorlint // see below
			return newError(e.lib.insertError(stream))
		}
		if err == io.EOF { //nolint:errorlint // a wrapped EOF is a body that was cut off
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			e.lib.cancelInsert(stream)
			return err
		}
	}
}

var buffers = sync.Pool{New: func() any { return new([insertBuffer]byte) }}

// fill reads until buf is full or r ends. Unlike io.ReadFull it keeps r's own error, so that a body that was cut off
// (io.ErrUnexpectedEOF) is told from one that ended.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err
}
