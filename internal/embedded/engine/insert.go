package engine

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"unsafe"
)

// insertBuffer is large enough for few calls, and small enough to stay in the cache.
const insertBuffer = 1 << 20

// firstPiece is read before a connection is taken: a small insert of a slow client holds none.
const firstPiece = 64 << 10

// Insert runs "INSERT INTO t (columns)", which must have no FORMAT clause, with the rows of r in the statement's
// format. Rows count only when r ends with io.EOF: any other error cancels the insert, and nothing of it is stored.
func (e *Engine) Insert(ctx context.Context, s Statement, r io.Reader) (Stats, error) {
	var stats Stats
	first := firstPieces.Get().(*[firstPiece]byte)
	defer firstPieces.Put(first)
	n, err := fill(r, first[:])
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped EOF is a body that was cut off
		return stats, err
	}
	whole := err != nil
	select { // some connections are left to queries
	case e.inserts <- struct{}{}:
	case <-ctx.Done():
		return stats, ctx.Err()
	}
	defer func() { <-e.inserts }()
	err = e.with(ctx, s, func(c *conn) error {
		q, ql := text(s.SQL)
		f, fl := text(s.format())
		stream := e.lib.insert(c.handle, q, ql, f, fl)
		runtime.KeepAlive(s)
		defer e.lib.freeInsert(stream)
		if message := e.lib.insertError(stream); message != "" {
			return newError(message)
		}
		err := e.add(stream, first[:n])
		if err == nil && !whole {
			err = e.feed(ctx, stream, r)
		}
		if errors.Is(err, errEnded) {
			// the engine aborts the process when it frees an insert that has ended by itself
			e.lib.freeResult(e.lib.doneInsert(stream))
		}
		if err != nil {
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

// errEnded is of data that follow their own end, such as an empty block of Native: the engine has closed the insert.
var errEnded = &Error{Code: 27,
	Message: "Code: 27. DB::Exception: Data follow the end of the data; the rows before it may be stored. " +
		"(CANNOT_PARSE_INPUT_ASSERTION_FAILED)"}

// add hands rows over.
func (e *Engine) add(stream uintptr, rows []byte) error {
	if len(rows) == 0 || e.lib.appendInsert(stream, unsafe.Pointer(&rows[0]), uintptr(len(rows))) == 0 {
		return nil
	}
	if message := e.lib.insertError(stream); message != "" {
		return newError(message)
	}
	return errEnded
}

// feed hands the rows over, and cancels the insert when they break off.
func (e *Engine) feed(ctx context.Context, stream uintptr, r io.Reader) error {
	buf := buffers.Get().(*[insertBuffer]byte)
	defer buffers.Put(buf)
	for {
		n, err := fill(r, buf[:])
		if err == nil || err == io.EOF { //nolint:errorlint // see below
			if err := e.add(stream, buf[:n]); err != nil {
				return err
			}
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

var (
	buffers     = sync.Pool{New: func() any { return new([insertBuffer]byte) }}
	firstPieces = sync.Pool{New: func() any { return new([firstPiece]byte) }}
)

// fill reads until buf is full or r ends. Unlike io.ReadFull it keeps r's own error, so that a body that was cut off
// (io.ErrUnexpectedEOF) is distinguished from one that ended.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err
}
