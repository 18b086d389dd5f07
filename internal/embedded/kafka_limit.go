package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Limits of the embedded broker, which makes room for what a request announces before it has come.
const (
	kafkaRequest     = 100 << 20 // bytes of a request; Kafka's own default (socket.request.max.bytes)
	kafkaInFlight    = 256 << 20 // bytes of all requests that are coming in
	kafkaConnections = 1000
	kafkaPatience    = 30 * time.Second // for a request to come in whole, or to find room
)

// limitedListener bounds the memory that clients of the embedded broker can claim.
type limitedListener struct {
	net.Listener
	connections chan struct{}
	room        *room
}

func listenLimited(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &limitedListener{Listener: l, connections: make(chan struct{}, kafkaConnections), room: newRoom(kafkaInFlight)},
		nil
}

// Accept closes connections that are too many.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.connections <- struct{}{}:
			return &limitedConn{Conn: c, listener: l}, nil
		default:
			_ = c.Close() // nothing was read
		}
	}
}

// limitedConn follows the requests of a connection: four bytes of length, and so many bytes.
type limitedConn struct {
	net.Conn
	listener *limitedListener
	header   [4]byte
	got      int // bytes of the header
	close    sync.Once

	mu   sync.Mutex
	left int // bytes of the request still to come, for which room is taken
	held int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.left > 0 {
		n, err := c.Conn.Read(p[:min(len(p), c.left)])
		c.left -= n
		if c.left == 0 || err != nil {
			c.release()
			_ = c.SetReadDeadline(time.Time{})
		}
		return n, err
	}
	n, err := c.Conn.Read(p[:min(len(p), len(c.header)-c.got)])
	copy(c.header[c.got:], p[:n])
	if c.got += n; c.got < len(c.header) || err != nil {
		return n, err
	}
	c.got = 0
	size := int64(binary.BigEndian.Uint32(c.header[:]))
	if size > kafkaRequest {
		return 0, fmt.Errorf("a request of %d bytes is announced, of %d at most", size, kafkaRequest)
	}
	if !c.listener.room.take(int(size), kafkaPatience) {
		return 0, fmt.Errorf("no room for a request of %d bytes: %w", size, os.ErrDeadlineExceeded)
	}
	c.mu.Lock()
	c.left, c.held = int(size), int(size)
	c.mu.Unlock()
	return n, errors.Join(err, c.SetReadDeadline(time.Now().Add(kafkaPatience)))
}

// release gives the request's room back. The broker has it in memory then, and works on one request a connection.
func (c *limitedConn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listener.room.give(c.held)
	c.held = 0
}

func (c *limitedConn) Close() error {
	c.close.Do(func() {
		c.release()
		<-c.listener.connections
	})
	return c.Conn.Close()
}

// room is a number of bytes that are shared out.
type room struct {
	mu      sync.Mutex
	free    int
	changed chan struct{} // closed when some were given back
}

func newRoom(bytes int) *room { return &room{free: bytes, changed: make(chan struct{})} }

func (r *room) take(bytes int, patience time.Duration) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		r.mu.Lock()
		if bytes <= r.free {
			r.free -= bytes
			r.mu.Unlock()
			return true
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			return false
		}
	}
}

func (r *room) give(bytes int) {
	if bytes == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += bytes
	close(r.changed)
	r.changed = make(chan struct{})
}
