package artifact

import (
	"context"
	"io"
	"sync"
)

// Read-ahead of a source: enough to hide an object store's latency at a few hundred MB/s.
const (
	aheadBytes  = 1 << 20
	aheadBlocks = 4
)

// OpenSource opens a source file for reading from start to end, with read-ahead in the background: 4 MiB. Errors are
// those of Open.
func (s *Store) OpenSource(ctx context.Context, url string) (io.ReadCloser, error) {
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	if Once(url) {
		return Interruptible(ctx, func() (io.ReadCloser, error) { return openLocal(at, 0) }), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	r, err := s.open(ctx, at, 0)
	if err != nil {
		cancel()
		return nil, err
	}
	return newAhead(r, cancel), nil
}

// ahead reads a source in a goroutine of its own. Close waits for it.
type ahead struct {
	from   io.ReadCloser
	cancel context.CancelFunc // ends a download that hangs
	full   chan block
	free   chan []byte
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
	now    block
	at     int
	closed error
}

type block struct {
	data []byte
	err  error
}

func newAhead(from io.ReadCloser, cancel context.CancelFunc) *ahead {
	a := &ahead{from: from, cancel: cancel, full: make(chan block, aheadBlocks), free: make(chan []byte, aheadBlocks),
		stop: make(chan struct{}), done: make(chan struct{})}
	for range aheadBlocks {
		a.free <- nil // made when first needed: most sources are small
	}
	go a.fill()
	return a
}

func (a *ahead) fill() {
	defer close(a.done)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		if buf == nil {
			buf = make([]byte, aheadBytes)
		}
		n, err := a.from.Read(buf[:cap(buf)])
		a.full <- block{buf[:n], err} // as many blocks as there are buffers: it never blocks
		if err != nil {
			return
		}
	}
}

// Read takes from the blocks read ahead.
func (a *ahead) Read(p []byte) (int, error) {
	for a.at == len(a.now.data) {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.data != nil {
			a.free <- a.now.data
		}
		select {
		case a.now = <-a.full:
		case <-a.stop:
			return 0, io.ErrClosedPipe
		}
		a.at = 0
	}
	n := copy(p, a.now.data[a.at:])
	a.at += n
	return n, nil
}

// Close stops reading, also while the source hangs.
func (a *ahead) Close() error {
	a.once.Do(func() {
		close(a.stop)
		a.cancel()
		if _, local := a.from.(*localReader); local { // closing is what ends the read of a pipe
			a.closed = a.from.Close()
			<-a.done
			return
		}
		<-a.done
		a.closed = a.from.Close()
	})
	return a.closed
}
