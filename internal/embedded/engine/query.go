package engine

import (
	"context"
	"fmt"
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

// Query runs a SELECT and calls emit with its result piece by piece, so memory is that of a piece. Each piece is formatted
// on its own: use it with formats that have no head and tail. Emit must not keep the piece.
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

// with runs work on a connection that has the statement's database and settings, and takes the settings off again.
func (e *Engine) with(ctx context.Context, s Statement, work func(*conn) error) error {
	c, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer e.release(c)
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
	for i, name := range names {
		if err := e.run(c, "SET "+name+" = "+Literal(s.Settings[name])); err != nil {
			return joinReset(err, e.reset(c, names[:i]))
		}
	}
	if err = work(c); err != nil {
		// A statement that failed stays alive, with its locks on tables, until the connection runs another.
		_ = e.run(c, "SELECT 1") // its own failure would add nothing to err
	}
	// A statement may change the connection for itself alone: over HTTP the next one is somebody else's.
	changed := s.Settings.changedBy(s.SQL)
	if changed.database {
		c.database = ""
	}
	return joinReset(err, e.reset(c, append(names, changed.settings...)))
}

func (e *Engine) reset(c *conn, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return e.run(c, "SET "+strings.Join(names, " = DEFAULT, ")+" = DEFAULT")
}

func joinReset(err, reset error) error {
	if err != nil {
		return err
	}
	if reset != nil {
		return fmt.Errorf("take the settings off: %w", reset)
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
