package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Engine is ClickHouse over one data folder. A process can open one folder at a time, and a folder belongs to one process.
type Engine struct {
	lib   *lib
	free  chan *conn
	conns []*conn

	mu     sync.Mutex
	closed chan struct{}
	inUse  sync.WaitGroup

	killing sync.Mutex // guards killer
	killer  *conn      // for KILL QUERY while all others are busy
}

// conn runs one statement at a time.
type conn struct {
	pointer  uintptr // what chdb_connect returned
	handle   uintptr // what the other functions take
	database string  // that USE named last; "" where nobody knows
}

// ErrClosed is given by every call behind Close.
var ErrClosed = errors.New("the ClickHouse engine is closed")

// Open starts the engine of the library at libPath over the folder dir, with conns connections. Extra arguments are those
// of clickhouse local.
func Open(libPath, dir string, conns int, args ...string) (*Engine, error) {
	l, err := load(libPath)
	if err != nil {
		return nil, err
	}
	e := &Engine{lib: l, free: make(chan *conn, conns), closed: make(chan struct{})}
	argv := append([]string{"clickhouse", "--path=" + dir}, args...)
	for range conns + 1 {
		c, err := e.connect(argv)
		if err != nil {
			return nil, errors.Join(err, e.Close())
		}
		e.conns = append(e.conns, c)
		if e.killer == nil {
			e.killer = c
		} else {
			e.free <- c
		}
	}
	return e, nil
}

func (e *Engine) connect(argv []string) (*conn, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pointers := make([]unsafe.Pointer, len(argv)+1)
	for i, arg := range argv {
		b := append([]byte(arg), 0)
		pinner.Pin(&b[0])
		pointers[i] = unsafe.Pointer(&b[0])
	}
	p := e.lib.connect(int32(len(argv)), unsafe.Pointer(&pointers[0]))
	runtime.KeepAlive(pointers)
	if p == 0 {
		return nil, fmt.Errorf("the ClickHouse engine refuses %v", argv[1:])
	}
	// p points into C memory, which the garbage collector does not move.
	return &conn{pointer: p, handle: **(**uintptr)(unsafe.Pointer(&p))}, nil
}

// acquire waits for a free connection.
func (e *Engine) acquire(ctx context.Context) (*conn, error) {
	e.mu.Lock()
	select {
	case <-e.closed:
		e.mu.Unlock()
		return nil, ErrClosed
	default:
	}
	e.inUse.Add(1)
	e.mu.Unlock()
	select {
	case c := <-e.free:
		return c, nil
	case <-e.closed:
		e.inUse.Done()
		return nil, ErrClosed
	case <-ctx.Done():
		e.inUse.Done()
		return nil, ctx.Err()
	}
}

func (e *Engine) release(c *conn) {
	e.free <- c
	e.inUse.Done()
}

// Close waits for the statements that run and stops the engine. What was stored stays.
func (e *Engine) Close() error {
	e.mu.Lock()
	select {
	case <-e.closed:
		e.mu.Unlock()
		return nil
	default:
	}
	close(e.closed)
	e.mu.Unlock()
	e.inUse.Wait()
	for _, c := range e.conns {
		e.lib.closeConn(c.pointer)
	}
	return nil
}
