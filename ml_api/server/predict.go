package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/inflight"
	"github.com/txflow/txflow/internal/transaction"
)

// response is what a request to /predict is answered with.
type response struct {
	status  int
	body    []byte
	rows    int    // transactions in the request, 0 when it was not read
	outcome string // for spans
}

// scratch is what one request needs; it is reused.
type scratch struct {
	body, answer []byte
	ids          []transaction.ID
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

const largestPooled = 4 << 20

func (s *scratch) release() {
	if cap(s.body) <= largestPooled && cap(s.answer) <= largestPooled {
		scratches.Put(s)
	}
}

// predict serves POST /predict. What it answers is counted before it is sent, so that whoever has an answer finds it in
// the metrics.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	number := s.requests.Add(1)
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	ctx, span := s.startSpan(r)
	defer span.End()
	buffers := scratches.Get().(*scratch)
	defer buffers.release()

	held := inflight.Lease{Of: &s.held}
	defer held.Release()
	a := s.answer(r.WithContext(ctx), buffers, &held, number)
	s.metrics.count(&a, time.Since(started))
	endSpan(span, &a)
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	switch a.status {
	case http.StatusTooManyRequests:
		header["Retry-After"] = []string{strconv.Itoa(int((s.cfg.Practice.RetryAfter + time.Second - 1) / time.Second))}
	case http.StatusMethodNotAllowed:
		header["Allow"] = []string{http.MethodPost}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller is gone: nobody reads it
}

var jsonType = []string{"application/json"}

// answer decides what to say. The body of the response may be in the buffers.
func (s *Server) answer(r *http.Request, buffers *scratch, held *inflight.Lease, number uint64) response {
	if r.Method != http.MethodPost {
		return plainResponse(http.StatusMethodNotAllowed, "wrong_method", "Method Not Allowed")
	}
	if !acceptable(r.Header) {
		return plainResponse(http.StatusUnsupportedMediaType, "wrong_type",
			"the body must be application/json, not compressed")
	}
	body, err := inflight.ReadBody(buffers.body[:0], r.Body, r.ContentLength, s.cfg.MaxBodyBytes, held)
	buffers.body = body
	switch {
	case errors.Is(err, inflight.ErrBusy):
		buffers.body = nil // it may be large, and is wanted elsewhere
		held.Release()
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, s.cfg.MaxBodyBytes)) // so that the caller reads the answer
		return busy()
	case errors.Is(err, inflight.ErrTooLarge):
		return plainResponse(http.StatusRequestEntityTooLarge, "too_large",
			fmt.Sprintf("the body is longer than %d bytes",
				s.cfg.MaxBodyBytes))
	case err != nil:
		return plainResponse(http.StatusBadRequest, "cut_off", "the body could not be read to its end")
	}
	t := s.cfg.Practice.draw(number)
	switch {
	case !sleep(r.Context(), t.delay):
		return plainResponse(statusClientClosed, "caller_left", "the caller disconnected")
	case t.fail:
		return plainResponse(http.StatusInternalServerError, "practice_error", "Internal Server Error")
	case t.throttle:
		return plainResponse(http.StatusTooManyRequests, "practice_throttle", "Too Many Requests")
	}
	ids, complaints := decode(buffers.ids[:0], body, s.cfg.MaxItems)
	buffers.ids = ids
	if len(complaints) > 0 {
		return unprocessable(complaints, len(ids))
	}
	if answered := len(ids); t.truncate && answered > 0 {
		buffers.answer = s.encode(buffers.answer[:0], ids[:answered-1])
		return response{status: http.StatusOK, body: buffers.answer, rows: answered, outcome: "practice_short"}
	}
	buffers.answer = s.encode(buffers.answer[:0], ids)
	return response{status: http.StatusOK, body: buffers.answer, rows: len(ids), outcome: "answered"}
}

func busy() response {
	return plainResponse(http.StatusTooManyRequests, "busy", "Too Many Requests: too many bytes are in flight")
}

// statusClientClosed is nginx's status for a caller that did not wait; nobody reads it but the metrics.
const statusClientClosed = 499

func (s *Server) encode(b []byte, ids []transaction.ID) []byte {
	b = append(b, '[')
	for i := range ids {
		b = s.encoder.append(b, &ids[i], i == 0)
	}
	return append(b, ']')
}

func plainResponse(status int, outcome, detail string) response {
	body, _ := json.Marshal(map[string]string{"detail": detail}) // a string always encodes
	return response{status: status, body: body, outcome: outcome}
}

func unprocessable(complaints []complaint, rows int) response {
	body, _ := json.Marshal(map[string][]complaint{"detail": complaints}) // strings and integers always encode
	return response{status: http.StatusUnprocessableEntity, body: body, rows: rows, outcome: "refused"}
}

// acceptable reports whether the body may be JSON. A request that names no type is taken at its word.
func acceptable(h http.Header) bool {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return false
	}
	contentType := h.Get("Content-Type")
	if contentType == "" || contentType == "application/json" {
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) &&
		(charset == "" || strings.EqualFold(charset, "utf-8"))
}
