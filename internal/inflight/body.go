package inflight

import (
	"errors"
	"fmt"
	"io"
)

// Errors of ReadBody.
var (
	ErrTooLarge = errors.New("the body is too large")
	ErrBusy     = errors.New("too many bytes are in flight")
)

// ReadBody reads a whole body into b. Announced is its length, negative when unknown. Memory follows what arrives, not
// what was announced, and is leased before it is taken. An error that is none of the two above is the reader's.
func ReadBody(b []byte, body io.Reader, announced, limit int64, held *Lease) ([]byte, error) {
	if announced > limit {
		return b, ErrTooLarge
	}
	const trusted = 64 << 10 // more is leased as it arrives: who announces a lot and sends nothing keeps nobody out
	want := max(int64(cap(b)), min(announced, trusted)+1)
	if !held.Grow(min(want, limit)) {
		return b, ErrBusy
	}
	if int64(cap(b)) < want {
		b = make([]byte, 0, want)
	}
	for {
		if int64(len(b)) > limit {
			return b, ErrTooLarge
		}
		if len(b) == cap(b) {
			larger := min(2*int64(cap(b)), limit+1)
			if announced > 0 {
				larger = min(larger, announced+1)
			}
			larger = max(larger, int64(cap(b))+1)
			if !held.Grow(min(larger, limit)) {
				return b, ErrBusy
			}
			b = append(make([]byte, 0, larger), b...)
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			if int64(len(b)) > limit {
				return b, ErrTooLarge
			}
			return b, nil
		}
		if err != nil {
			return b, fmt.Errorf("read the body: %w", err)
		}
	}
}
