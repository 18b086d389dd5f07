package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
)

// timeout is a network error by time.
type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestJudge(t *testing.T) {
	t.Parallel()
	post := func(err error) error { return &url.Error{Op: "Post", URL: "http://x/predict", Err: err} }
	dial := func(err error) error { return post(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	for _, c := range []struct {
		name string
		o    outcome
		want verdict
	}{
		{"answered", outcome{status: 200}, answered},
		{"answer can not be used", outcome{status: 200, err: badAnswerf("it is HTML")}, transient},
		{"wrapped bad answer", outcome{status: 200, err: fmt.Errorf("read: %w", badAnswerf("x"))}, transient},
		{"answer cut off", outcome{status: 200, err: io.ErrUnexpectedEOF}, transient},
		{"a category that is not configured", outcome{status: 200, err: fmt.Errorf("x: %w", &unknownCategory{name: "Pets"})},
			misconfigured},
		{"another model", outcome{status: 200, err: errWrongModel}, wrongModel},
		{"connection refused", outcome{err: dial(syscall.ECONNREFUSED)}, transient},
		{"connection reset", outcome{err: post(syscall.ECONNRESET)}, transient},
		{"broken pipe", outcome{err: post(syscall.EPIPE)}, transient},
		{"host unreachable", outcome{err: dial(syscall.EHOSTUNREACH)}, transient},
		{"no such name, yet", outcome{err: dial(&net.DNSError{IsNotFound: true})}, transient},
		{"closed before an answer", outcome{err: post(io.EOF)}, transient},
		{"idle connection closed", outcome{err: post(errors.New("http: server closed idle connection"))}, transient},
		{"call timed out", outcome{err: post(context.DeadlineExceeded)}, transient},
		{"network timed out", outcome{err: dial(timeout{errors.New("i/o timeout")})}, transient},
		{"plain server behind https", outcome{err: post(http.ErrSchemeMismatch)}, misconfigured},
		{"not TLS", outcome{err: post(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"})},
			misconfigured},
		{"unknown authority", outcome{err: post(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})},
			misconfigured},
		{"created", outcome{status: 201}, transient},
		{"no content", outcome{status: 204}, transient},
		{"moved", outcome{status: 301}, misconfigured},
		{"moved for now", outcome{status: 307}, misconfigured},
		{"bad request", outcome{status: 400}, misconfigured},
		{"bad request in the contract's form", outcome{status: 400, problem: true}, misconfigured},
		{"unauthorized", outcome{status: 401}, misconfigured},
		{"forbidden", outcome{status: 403}, misconfigured},
		{"not found", outcome{status: 404}, misconfigured},
		{"method", outcome{status: 405}, misconfigured},
		{"proxy wants credentials", outcome{status: 407}, misconfigured},
		{"too slow for it", outcome{status: 408}, transient},
		{"gone", outcome{status: 410}, misconfigured},
		{"too large", outcome{status: 413}, refused},
		{"too large for the API", outcome{status: 413, problem: true}, refused},
		{"media type", outcome{status: 415}, misconfigured},
		{"unprocessable", outcome{status: 422, problem: true}, refused},
		{"unprocessable by something else", outcome{status: 422}, misconfigured},
		{"too early", outcome{status: 425}, transient},
		{"too many", outcome{status: 429}, throttled},
		{"legal reasons", outcome{status: 451}, misconfigured},
		{"error", outcome{status: 500}, transient},
		{"not implemented", outcome{status: 501}, misconfigured},
		{"bad gateway", outcome{status: 502}, transient},
		{"unavailable", outcome{status: 503}, transient},
		{"gateway timeout", outcome{status: 504}, transient},
		{"version", outcome{status: 505}, misconfigured},
		{"captive portal", outcome{status: 511}, misconfigured},
		{"origin is down", outcome{status: 521}, transient},
		{"nonsense", outcome{status: 999}, transient},
	} {
		if got := judge(t.Context(), &c.o); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := judge(ended(t), &c.o); got != cancelled {
			t.Errorf("%s, after the caller's end: %s", c.name, got)
		}
	}
}
