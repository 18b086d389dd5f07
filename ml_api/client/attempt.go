package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// exchange is one HTTP call's outcome and what the next steps need of it.
type exchange struct {
	outcome
	retryAfter time.Duration
	words      string // the beginning of an answer that is not a prediction
}

// cause is the fault in words.
func (e *exchange) cause() error {
	if e.err != nil {
		return e.err
	}
	return fmt.Errorf("HTTP status %d: %s", e.status, e.words)
}

// kind names what went wrong in a word; "" for a checked answer.
func (e *exchange) kind(v verdict) string {
	switch {
	case v == answered:
		return ""
	case isBadAnswer(e.err):
		return "bad_answer"
	case isTimeout(e.err):
		return "timeout"
	case e.err == nil && e.status != 0:
		return strconv.Itoa(e.status)
	}
	return v.String()
}

// attempt makes one HTTP call, inside a span of its own. The categories are in items if, and only if, the outcome is a
// checked answer.
func (c *Client) attempt(parent context.Context, transactions []transaction.Transaction, items []prediction.Item, body *payload, n int) (reply, exchange) {
	ctx, cancel := context.WithTimeout(parent, c.cfg.CallTimeout)
	defer cancel()
	started := time.Now()
	ctx, span := c.startSpan(ctx, len(transactions), n)
	defer span.End()
	r := reply{call: prediction.Call{Attempt: n}}
	if sc := span.SpanContext(); sc.IsValid() {
		r.call.TraceID, r.call.SpanID, r.call.Sampled = sc.TraceID().String(), sc.SpanID().String(), sc.IsSampled()
	}
	e := c.exchange(ctx, transactions, items, body, &r)
	r.call.AnsweredAt = time.Now().UTC().Truncate(time.Microsecond)
	v := judge(parent, &e.outcome)
	endSpan(span, v, &e, r.call.Model)
	if c.cfg.Observe != nil {
		c.cfg.Observe(Call{Outcome: v.String(), Error: e.kind(v), Rows: len(transactions), Took: time.Since(started)})
	}
	return r, e
}

// exchange posts the body and reads the answer whole.
func (c *Client) exchange(ctx context.Context, transactions []transaction.Transaction, items []prediction.Item, body *payload, r *reply) (e exchange) {
	request := c.http.R().SetContext(withPayload(ctx, body))
	request.Header = http.Header{"Content-Type": jsonType, "Accept": jsonType, "User-Agent": userAgent}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := request.Post(c.predict)
	if err != nil {
		e.err = err
		return e
	}
	defer func() { _ = response.RawBody().Close() }() // it was read as far as it is wanted
	e.status = response.StatusCode()
	e.retryAfter = retryAfter(response.Header().Get("Retry-After"), time.Now())
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	limit := answerBase + answerPerItem*len(transactions)
	if e.status != http.StatusOK {
		limit = answerBase
	}
	s.body, err = readBounded(s.body[:0], response.RawBody(), int(response.RawResponse.ContentLength), limit)
	if e.status == http.StatusOK {
		if err == nil {
			r.call.Model, err = c.check(s, transactions, items)
		}
		e.err = err
		return e
	}
	e.foreign = foreign(response.Header().Get("Content-Type"), s.body) // an error in reading matters little: the status tells
	e.words = firstLine(s.body)
	if e.status == http.StatusUnprocessableEntity || e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge {
		r.refusal = newRefusal(e.status, s.body)
		r.blamed = blamedItems(s.body, len(transactions))
	}
	return e
}

// check reads an answer and fills the items; it returns the model that answered.
func (c *Client) check(s *scratch, transactions []transaction.Transaction, items []prediction.Item) (model string, err error) {
	s.answers, model, err = parseAnswers(s.answers[:0], s.body)
	if err != nil {
		return "", err
	}
	if err := match(transactions, items, s.answers); err != nil {
		return model, err
	}
	if c.cfg.ExpectModel != "" && model != c.cfg.ExpectModel {
		return model, errWrongModel
	}
	return model, nil
}

const (
	answerBase    = 64 << 10 // bytes of an answer at most, and of a refusal
	answerPerItem = 1 << 10
)

var (
	jsonType  = []string{"application/json"}
	userAgent = []string{"txflow"}
)

// scratch is what reading an answer needs; it is reused.
type scratch struct {
	body    []byte
	answers []answer
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// readBounded reads a body of at most limit bytes into b. What is longer, or shorter than was announced, is an error.
func readBounded(b []byte, r io.Reader, announced, limit int) ([]byte, error) {
	if announced > limit {
		return b, badAnswerf("it is too long (%d bytes)", announced)
	}
	if cap(b) <= announced {
		b = make([]byte, 0, announced+1)
	}
	for {
		if len(b) > limit {
			return b, badAnswerf("it is too long (more than %d bytes)", limit)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return b, nil
		}
		if err != nil {
			return b, fmt.Errorf("read the ML API's answer: %w", err)
		}
	}
}

func foreign(contentType string, body []byte) bool {
	return strings.HasPrefix(contentType, "text/html") || bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("<")) ||
		bytes.HasPrefix(body, []byte("Client sent an HTTP request to an HTTPS server"))
}

// firstLine is the beginning of a body for an error message.
func firstLine(body []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	return strings.ToValidUTF8(string(line[:min(len(line), 200)]), "")
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func isBadAnswer(err error) bool {
	var bad *badAnswer
	return errors.As(err, &bad)
}
