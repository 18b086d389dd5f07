package front

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Limits of a request, whatever its compression.
const (
	maxText  = 1 << 20         // bytes of a statement; an insert's data after it is streamed
	maxBody  = 64 << 30        // bytes of a body when unpacked: far more than one insert should have
	maxStall = 5 * time.Minute // how long a client may take to read a piece of the result

	// A body must bring pieceSize bytes, or end, in pieceTime.
	pieceSize = 64 << 10
	pieceTime = 30 * time.Second
)

// limitError is a request that went over a limit.
type limitError struct {
	status int
	text   string
}

func (e *limitError) Error() string { return e.text }

var (
	errTextTooLong = &limitError{http.StatusRequestEntityTooLarge,
		fmt.Sprintf("the statement is longer than %d bytes; only the data of an INSERT may be", maxText)}
	errBodyTooLong = &limitError{http.StatusRequestEntityTooLarge,
		fmt.Sprintf("the body is longer than %d bytes: nothing of it is stored", int64(maxBody))}
	errTooSlow = &limitError{http.StatusRequestTimeout,
		fmt.Sprintf("the body brought less than %d bytes in %s: nothing of it is stored", pieceSize, pieceTime)}
)

// boundedBody ends with an error where a body goes on for too long.
type boundedBody struct {
	r    io.Reader
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBodyTooLong
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// pacedBody gives up on a client that sends too slowly, since it may hold a connection to the engine.
type pacedBody struct {
	body    io.Reader
	control *http.ResponseController
	piece   int // bytes still to come in this piece
}

func newPacedBody(w http.ResponseWriter, r *http.Request) *pacedBody {
	return &pacedBody{body: r.Body, control: http.NewResponseController(w)}
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if b.piece <= 0 {
		b.piece = pieceSize
		// Where the connection has no deadlines, in a test's recorder, none is set.
		_ = b.control.SetReadDeadline(time.Now().Add(pieceTime))
	}
	n, err := b.body.Read(p)
	b.piece -= n
	if err != nil {
		// The deadline would cancel the statement, for which the server watches whether the client is still there.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, errTooSlow
	}
	return n, err
}
