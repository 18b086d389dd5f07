package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-resty/resty/v2"

	"github.com/txflow/txflow/internal/transaction"
)

// payload is an encoded batch in a pooled buffer. The buffer goes back when its last holder lets go: net/http may still
// be reading a body whose call has already failed.
type payload struct {
	bytes   []byte
	holders atomic.Int32
}

const largestPooled = 2 << 20

var payloads = sync.Pool{New: func() any { return new(payload) }}

// encode returns the batch as a JSON array; the caller holds it.
func encode(transactions []transaction.Transaction) *payload {
	p := payloads.Get().(*payload)
	p.bytes = AppendTransactions(p.bytes[:0], transactions)
	p.holders.Store(1)
	return p
}

func (p *payload) release() {
	if p.holders.Add(-1) == 0 && cap(p.bytes) <= largestPooled {
		payloads.Put(p)
	}
}

// requestBody reads a payload for one HTTP request, which closes it when it needs it no more.
type requestBody struct {
	bytes.Reader
	payload *payload
	closed  atomic.Bool
}

func (p *payload) open() *requestBody {
	p.holders.Add(1)
	b := &requestBody{payload: p}
	b.Reset(p.bytes)
	return b
}

func (b *requestBody) Close() error {
	if !b.closed.Swap(true) {
		b.payload.release()
	}
	return nil
}

type payloadKey struct{}

// withPayload names the body of a request in its context. Resty copies every body that it is given, three times for
// bytes; so it is given none, and attachPayload adds it to the finished request.
func withPayload(ctx context.Context, p *payload) context.Context {
	return context.WithValue(ctx, payloadKey{}, p)
}

// attachPayload is resty's hook before a request is sent. GetBody lets net/http repeat a request whose connection
// turned out to be closed before anything was sent.
func attachPayload(_ *resty.Client, r *http.Request) error {
	if p, ok := r.Context().Value(payloadKey{}).(*payload); ok {
		r.Body, r.ContentLength = p.open(), int64(len(p.bytes))
		r.GetBody = func() (io.ReadCloser, error) { return p.open(), nil }
	}
	return nil
}
