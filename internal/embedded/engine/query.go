package engine

import (
	"context"
	"runtime"
	"strings"
	"unsafe"
)

// Params are query parameters: values as text in TabSeparated escapes, typed in the query by {name:Type}.
type Params map[string]string

// Stats say what a statement did.
type Stats struct {
	RowsRead, BytesRead, RowsWritten uint64
}

// Statement is one statement with its surroundings.
type Statement struct {
	SQL      string
	Format   string // of the result, or of an insert's rows
	Params   Params
	Database string // "default" when empty
	Settings Settings
	// Inspection is what Inspect said of SQL. Without one the connection is not used again.
	Inspection *Inspection
	clean      bool // our own statement, which leaves the connection as it was
}

// Exec runs a statement of any kind and returns its whole result.
func (e *Engine) Exec(ctx context.Context, s Statement) ([]byte, Stats, error) {
	var result []byte
	var stats Stats
	err := e.with(ctx, s, func(c *conn) error {
		stop := e.watch(ctx, &s)
		defer stop()
		q, ql := text(s.SQL)
		f, fl := text(s.format())
		p := newCParams(s.Params)
		defer p.free()
		r := e.lib.query(c.handle, q, ql, f, fl, p.names, p.nameLens, p.values, p.valueLens, p.n)
		runtime.KeepAlive(s)
		defer e.lib.freeResult(r)
		if message := e.lib.errorOf(r); message != "" {
			return newError(message)
		}
		stats = Stats{e.lib.rowsRead(r), e.lib.bytesRead(r), e.lib.rowsWritten(r)}
		result = append([]byte(nil), e.bytes(r)...)
		return nil
	})
	return result, stats, err
}

// Query runs a SELECT and calls emit with its result piece by piece, so memory is that of a piece. Each piece is
// formatted on its own: use it with formats that have no head and tail. Emit must not keep the piece.
func (e *Engine) Query(ctx context.Context, s Statement, emit func([]byte) error) (Stats, error) {
	var stats Stats
	err := e.with(ctx, s, func(c *conn) error {
		stop := e.watch(ctx, &s)
		defer stop()
		q, ql := text(s.SQL)
		f, fl := text(s.format())
		p := newCParams(s.Params)
		defer p.free()
		stream := e.lib.streamQuery(c.handle, q, ql, f, fl, p.names, p.nameLens, p.values, p.valueLens, p.n)
		runtime.KeepAlive(s)
		defer e.lib.freeResult(stream)
		if message := e.lib.errorOf(stream); message != "" {
			return newError(message)
		}
		for {
			done, err := e.next(c, stream, &stats, emit)
			if err == nil && !done {
				err = ctx.Err()
			}
			if err != nil {
				e.lib.cancelQuery(c.handle, stream)
				return err
			}
			if done {
				return nil
			}
		}
	})
	return stats, err
}

func (s *Statement) format() string {
	if s.Format == "" {
		return "TabSeparated"
	}
	return s.Format
}

// with runs work on a connection that has the statement's database and settings. Afterwards the connection is as new,
// or closed: over HTTP the next statement is somebody else's.
func (e *Engine) with(ctx context.Context, s Statement, work func(*conn) error) error {
	c, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	asNew := false // until all is known to be well, whatever panics
	defer func() { e.release(c, asNew) }()
	database := s.Database
	if database == "" {
		database = "default"
	}
	if c.database != database {
		if err := e.run(c, "USE "+Quote(database)); err != nil {
			return err
		}
		c.database = database
	}
	names := s.Settings.names()
	for _, name := range names {
		if err := e.run(c, "SET "+name+" = "+Literal(s.Settings[name])); err != nil {
			return err
		}
	}
	if err = work(c); err != nil {
		// A statement that failed stays alive, with its locks on tables, until the connection runs another or is closed.
		return err
	}
	if s.clean || s.Inspection != nil && s.Inspection.leavesSession() {
		asNew = len(names) == 0 || e.run(c, "SET "+strings.Join(names, " = DEFAULT, ")+" = DEFAULT") == nil
	}
	return nil
}

// run runs a short statement of our own.
func (e *Engine) run(c *conn, sql string) error {
	q, ql := text(sql)
	f, fl := text("TabSeparated")
	r := e.lib.query(c.handle, q, ql, f, fl, nil, nil, nil, nil, 0)
	runtime.KeepAlive(sql)
	defer e.lib.freeResult(r)
	if message := e.lib.errorOf(r); message != "" {
		return newError(message)
	}
	return nil
}

func (e *Engine) next(c *conn, stream uintptr, stats *Stats, emit func([]byte) error) (done bool, err error) {
	r := e.lib.fetch(c.handle, stream)
	if r == 0 {
		return true, nil
	}
	defer e.lib.freeResult(r)
	if message := e.lib.errorOf(r); message != "" {
		return true, newError(message)
	}
	stats.RowsRead += e.lib.rowsRead(r)
	stats.BytesRead += e.lib.bytesRead(r)
	b := e.bytes(r)
	if len(b) == 0 {
		return true, nil
	}
	return false, emit(b)
}

// bytes is a result's content; it lives as long as the result.
func (e *Engine) bytes(r uintptr) []byte {
	n := e.lib.length(r)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(e.lib.buffer(r)), n)
}
