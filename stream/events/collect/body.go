package collect

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/internal/inflight"
)

// readBody reads the body of a request, unpacked, as long as it is within its limit and the budget.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, buffer []byte, held *inflight.Lease) ([]byte,
	*refusal) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return buffer, wrongType
	}
	limit := s.cfg.MaxBodyBytes
	reader, announced, closed, refused := unpack(w, r, limit)
	if refused != nil {
		return buffer, refused
	}
	defer closed()
	body, err := inflight.ReadBody(buffer, reader, announced, limit, held)
	var packed *http.MaxBytesError
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, inflight.ErrBusy):
		return body, busy
	case errors.Is(err, inflight.ErrTooLarge), errors.As(err, &packed), errors.Is(err, zstd.ErrDecoderSizeExceeded),
		errors.Is(err, zstd.ErrWindowSizeExceeded):
		return body, s.tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, tooSlow
	case announced < 0 && r.Header.Get("Content-Encoding") != "":
		return body, &refusal{status: http.StatusBadRequest, code: "cut_off",
			message: "the body can not be unpacked to its end"}
	}
	return body, cutOff
}

// isJSON reports whether a body may be JSON. Without a type it is not: web pages can send such requests to any address.
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) && (charset == "" ||
		strings.EqualFold(charset, "utf-8"))
}

var unzippers sync.Pool

// unpack reads a body as its Content-Encoding says. Announced is its length, negative when unknown. What is packed may
// not be larger than what is not.
func unpack(w http.ResponseWriter, r *http.Request, limit int64) (body io.Reader, announced int64, closed func(),
	refused *refusal) {
	coding := strings.ToLower(r.Header.Get("Content-Encoding"))
	switch coding {
	case "", "identity":
		return r.Body, r.ContentLength, func() {}, nil
	case "gzip":
		z, _ := unzippers.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		closed = func() { unzippers.Put(z) }
		return &lazy{open: func() (io.Reader, error) { return z, z.Reset(http.MaxBytesReader(w, r.Body, limit)) }}, -1,
			closed, nil
	case "zstd":
		const window = 8 << 20
		z, err := zstd.NewReader(http.MaxBytesReader(w, r.Body, limit), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, 0, nil, wrongCoding
		}
		return z, -1, z.Close, nil
	}
	return nil, 0, nil, wrongCoding
}

// lazy opens a reader with the first read, so that what is wrong with its head is an error of reading.
type lazy struct {
	open func() (io.Reader, error)
	r    io.Reader
}

func (l *lazy) Read(b []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // an empty body is no gzip
			}
			return 0, err
		}
		l.r = r
	}
	return l.r.Read(b)
}

// What is read of a body that is refused, after the answer to it.
const (
	mostDiscarded = 64 << 20 // bytes
	discardTime   = 10 * time.Second
	surelyRead    = 256 << 10 // bytes of a body that net/http reads by itself before it answers
)

// refuseEarly refuses a request whose body may still be on its way. Most senders send all of it before they look at the
// answer, and would see a broken connection instead: so the answer goes out, and what still comes is read.
func (s *Server) refuseEarly(w http.ResponseWriter, r *http.Request, why *refusal, c *call) {
	control := http.NewResponseController(w)
	if c.read || r.ProtoMajor > 1 || r.Body == http.NoBody || r.ContentLength >= 0 && r.ContentLength <= surelyRead ||
		r.Header.Get("Expect") != "" || why == tooSlow || control.EnableFullDuplex() != nil {
		s.refuse(w, why, c.request)
		return
	}
	w.Header()["Connection"] = []string{"close"} // what is left of the body must never be taken for a request
	s.refuse(w, why, c.request)
	if control.Flush() == nil && control.SetReadDeadline(time.Now().Add(min(discardTime, s.cfg.BodyTimeout))) == nil {
		_, _ = io.CopyN(io.Discard, r.Body, mostDiscarded) // beyond, or later, the connection breaks
	}
}
