package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/txflow/txflow/internal/retry"

	"go.opentelemetry.io/otel/propagation"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// exchange is one HTTP call's outcome and what the next steps need of it.
type exchange struct {
	outcome
	retryAfter time.Duration
	body       string // what the body of an answer that is not a prediction is, never what it says
	wantsTLS   bool   // a server that wants TLS was asked without
}

// cause is the fault in words. It holds nothing of what the service said: that may be the request, with personal data.
func (e *exchange) cause() error {
	if e.err != nil {
		return plainError(e.err)
	}
	return fmt.Errorf("HTTP status %d (%s)", e.status, e.body)
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
func (c *Client) attempt(parent context.Context, transactions []transaction.Transaction, items []prediction.Item,
	body *payload, n int) (reply, exchange) {
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
func (c *Client) exchange(ctx context.Context, transactions []transaction.Transaction, items []prediction.Item,
	body *payload, r *reply) (e exchange) {
	request := c.http.R().SetContext(withPayload(ctx, body))
	request.Header = http.Header{"Content-Type": jsonType, "Accept": jsonType, "User-Agent": userAgent}
	c.authorize(request.Header)
	c.cfg.Propagator.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := request.Post(c.predict)
	if err != nil {
		e.err = err
		return e
	}
	defer func() { _ = response.RawBody().Close() }() // it was read as far as it is wanted
	e.status = response.StatusCode()
	e.retryAfter = retry.After(response.Header().Get("Retry-After"), time.Now(), c.cfg.RetryAfterMax)
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
	e.describe(s.body) // an error in reading matters little: the status decides
	if e.status == http.StatusUnprocessableEntity || e.status == http.StatusRequestEntityTooLarge {
		e.problem = isProblem(s.body)
		r.refusal, r.problem = newRefusal(e.status, s.body), e.problem
		r.blamed = blamedItems(s.body, len(transactions))
	}
	return e
}

// holds reports whether a text is a value of a transaction, which no message may show.
func holds(t *transaction.Transaction, text string) bool {
	return text == t.Description || text == t.Merchant || text == t.SourceID || text == t.OperationType ||
		strings.Contains(t.Description, text) ||
		t.HasMerchant && strings.Contains(t.Merchant, text)
}

// authorize adds the token that is valid now.
func (c *Client) authorize(h http.Header) {
	if c.cfg.Tokens != nil {
		h.Set("Authorization", "Bearer "+c.cfg.Tokens.First().Reveal())
	}
}

// check reads an answer and fills the items; it returns the model that answered.
func (c *Client) check(s *scratch, transactions []transaction.Transaction, items []prediction.Item) (model string,
	err error) {
	s.answers, model, err = parseAnswers(s.answers[:0], s.body, c.cfg.Categories)
	var unknown *unknownCategory
	if errors.As(err, &unknown) &&
		slices.ContainsFunc(transactions, func(t transaction.Transaction) bool { return holds(&t, unknown.name) }) {
		return "", badAnswerf("the category of its item %d is a value that it was sent", unknown.item)
	}
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

// describe notes the form and the length of a body.
func (e *exchange) describe(body []byte) {
	e.wantsTLS = bytes.HasPrefix(body, []byte("Client sent an HTTP request to an HTTPS server"))
	trimmed, form := bytes.TrimSpace(body), "text"
	switch {
	case len(trimmed) == 0:
		e.body = "no body"
		return
	case trimmed[0] == '<':
		form = "HTML"
	case json.Valid(trimmed):
		form = "JSON"
	}
	e.body = fmt.Sprintf("%d bytes of %s", len(body), form)
}

// plainError is an error of a call without its URL, and without the bytes of the other side that net/http quotes where
// they are no HTTP: only kinds of errors that are known to hold none are reported in their own words.
func plainError(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	var network *net.OpError
	var name *net.DNSError
	var errno syscall.Errno
	var certificate *tls.CertificateVerificationError
	switch {
	case isBadAnswer(err), isTimeout(err), errors.As(err, &network), errors.As(err, &name), errors.As(err, &errno),
		errors.As(err, &certificate), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.Canceled),
		isUnknownCategory(err), errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, errBreakerOpen),
		errors.Is(err, errWrongModel):
		return err
	}
	return errNotHTTP
}

var errNotHTTP = errors.New("the connection broke, or what answers does not speak HTTP")

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func isUnknownCategory(err error) bool {
	var unknown *unknownCategory
	return errors.As(err, &unknown)
}

func isBadAnswer(err error) bool {
	var bad *badAnswer
	return errors.As(err, &bad)
}
