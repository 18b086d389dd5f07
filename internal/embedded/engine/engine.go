package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Engine is ClickHouse over one data folder. A process can open one folder at a time, and a folder belongs to one
// process.
type Engine struct {
	lib  *lib
	argv []string
	free chan *conn
	// slots bounds the connections: each statement holds one. A connection is made when no free one is left.
	slots   chan struct{}
	inserts chan struct{} // likewise for those that insert rows of a client, of which there may be fewer

	mu     sync.Mutex
	closed chan struct{}
	inUse  sync.WaitGroup

	killing sync.Mutex // guards killer
	killer  *conn      // for KILL QUERY while all others are busy

	inspected inspections
}

// conn runs one statement at a time.
type conn struct {
	pointer  uintptr // what chdb_connect returned
	handle   uintptr // what the other functions take
	database string  // that USE named last; "" where nobody knows
}

// ErrClosed is given by every call after Close.
var ErrClosed = errors.New("the ClickHouse engine is closed")

// ErrBusy is given by Close when a statement did not end in time.
var ErrBusy = errors.New("a statement of the ClickHouse engine does not end")

// Open starts the engine of the library at libPath over the folder dir. It keeps idle connections at hand and makes
// more, up to most, when they are needed. Extra arguments are those of clickhouse local.
func Open(libPath, dir string, idle, most int, args ...string) (*Engine, error) {
	l, err := load(libPath)
	if err != nil {
		return nil, err
	}
	e := &Engine{lib: l, argv: append([]string{"clickhouse", "--path=" + dir}, args...), free: make(chan *conn, idle),
		slots: make(chan struct{}, most), inserts: make(chan struct{}, max(1, most*3/4)), closed: make(chan struct{})}
	if e.killer, err = e.connect(); err != nil {
		return nil, err
	}
	for range idle {
		c, err := e.connect()
		if err != nil {
			return nil, errors.Join(err, e.Close(0))
		}
		e.free <- c
	}
	return e, nil
}

func (e *Engine) connect() (*conn, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pointers := make([]unsafe.Pointer, len(e.argv)+1)
	for i, arg := range e.argv {
		b := append([]byte(arg), 0)
		pinner.Pin(&b[0])
		pointers[i] = unsafe.Pointer(&b[0])
	}
	p := e.lib.connect(int32(len(e.argv)), unsafe.Pointer(&pointers[0]))
	runtime.KeepAlive(pointers)
	if p == 0 {
		return nil, fmt.Errorf("the ClickHouse engine refuses %v", e.argv[1:])
	}
	// p points into C memory, which the garbage collector does not move.
	return &conn{pointer: p, handle: **(**uintptr)(unsafe.Pointer(&p))}, nil
}

// acquire waits for a slot and takes a free connection, or makes one.
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
	case e.slots <- struct{}{}:
	case <-e.closed:
		e.inUse.Done()
		return nil, ErrClosed
	case <-ctx.Done():
		e.inUse.Done()
		return nil, ctx.Err()
	}
	select {
	case c := <-e.free:
		return c, nil
	default:
	}
	c, err := e.connect()
	if err != nil {
		<-e.slots
		e.inUse.Done()
	}
	return c, err
}

// release gives a connection back, or closes it where its session is not as new or enough are at hand.
func (e *Engine) release(c *conn, asNew bool) {
	if asNew {
		select {
		case e.free <- c:
			c = nil
		default:
		}
	}
	if c != nil {
		e.lib.closeConn(c.pointer)
	}
	<-e.slots
	e.inUse.Done()
}

// Close waits for the statements that run, for as long as patience, and stops the engine. What was stored stays. With
// ErrBusy the engine still runs and the process should end: the data is safe, as it is after a crash.
func (e *Engine) Close(patience time.Duration) error {
	e.mu.Lock()
	select {
	case <-e.closed:
		e.mu.Unlock()
		return nil
	default:
	}
	close(e.closed)
	e.mu.Unlock()
	idle := make(chan struct{})
	go func() { e.inUse.Wait(); close(idle) }()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-idle:
	case <-timeout.C:
		return ErrBusy
	}
	close(e.free)
	for c := range e.free {
		e.lib.closeConn(c.pointer)
	}
	e.lib.closeConn(e.killer.pointer)
	return nil
}
