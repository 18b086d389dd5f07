package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/internal/inflight"
	"github.com/txflow/txflow/stream/pipeline"
)

// listening serves until the test ends, and returns the address.
func listening(t *testing.T, cfg Config) (s *Server, addr string, stop func() error) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	s = server(t, cfg)
	listener, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop(); http.DefaultClient.CloseIdleConnections() })
	return s, listener.Addr().String(), stop
}

// raw writes bytes to a connection and reads the status line of the answer.
func raw(t *testing.T, addr, text string, more func(io.Writer)) (status string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		if _, err := io.WriteString(conn, text); err == nil && more != nil {
			more(conn)
		}
	}()
	answer := make([]byte, 4096)
	n, _ := io.ReadAtLeast(conn, answer, 12)
	_ = conn.Close() // the writer ends
	<-written
	status, _, _ = strings.Cut(string(answer[:n]), "\r\n")
	return strings.TrimPrefix(status, "HTTP/1.1 ")
}

const head = "POST /collect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

// TestHugeBodies has bodies of a gigabyte, announced, not announced, and packed. None is read much beyond the limit,
// and the memory stays near it.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	b := &broker{}
	s, addr, _ := listening(t, Config{Publisher: b, MaxBodyBytes: 1 << 20, MaxInFlight: 2 << 20})
	const huge = 1 << 30
	endless := func(w io.Writer) {
		chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", 1<<16, bytes.Repeat([]byte(" "), 1<<16))
		for range huge >> 16 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	if got := raw(t, addr, fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, huge), nil); !strings.HasPrefix(got, "413") {
		t.Errorf("announced: %q", got)
	}
	if got := raw(t, addr, head+"Transfer-Encoding: chunked\r\n\r\n", endless); !strings.HasPrefix(got, "413") {
		t.Errorf("not announced: %q", got)
	}
	var zipped, empty, zst bytes.Buffer
	z := gzip.NewWriter(&zipped)
	zw, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("[[[["), 1<<18)
	for range huge >> 26 { // a part of it is enough: sixteen times the limit
		_, _ = z.Write(block)
		_, _ = zw.Write(block)
	}
	_, _ = z.Close(), zw.Close()
	var one bytes.Buffer
	_ = gzip.NewWriter(&one).Close()
	for empty.Len() <= 1<<20 {
		empty.Write(one.Bytes())
	}
	for name, c := range map[string]struct {
		coding string
		body   []byte
	}{"gzip": {"gzip", zipped.Bytes()}, "zstd": {"zstd", zst.Bytes()},
		"members that hold nothing": {"gzip", empty.Bytes()}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answer, res := post(t, s, "/collect", string(c.body), "Content-Encoding", c.coding)
		runtime.ReadMemStats(&after)
		if answer.status != http.StatusRequestEntityTooLarge || after.TotalAlloc-before.TotalAlloc > 64<<20 {
			t.Errorf("%s: %d %+v, %d MB allocated", name, answer.status, res, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
	if len(b.records) > 0 || s.held.Used() != 0 {
		t.Errorf("%d messages, %d bytes held", len(b.records), s.held.Used())
	}
}

// TestAnswersBeforeBodies refuses requests whose bodies are large, and whose senders send all of it before they look at
// the answer: each reads it, and nothing of a body is taken for the next request.
func TestAnswersBeforeBodies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("shop 0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := NewTokens(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, addr, _ := listening(t, Config{Publisher: &broker{}, MaxBodyBytes: 1 << 20, MaxInFlight: 1 << 20, Tokens: tokens})
	const size, small = 40 << 20, 1 << 20
	const known = "Authorization: Bearer 0123456789abcdef\r\n"
	announced, chunk := fmt.Sprintf("Content-Length: %d\r\n\r\n", size), fmt.Sprintf("\r\n%x\r\n", size)
	for name, c := range map[string]struct {
		head, want string
		size       int
		end        string
	}{
		"too large":              {head + known + announced, "413", size, ""},
		"too large, unannounced": {head + known + "Transfer-Encoding: chunked\r\n" + chunk, "413", size, "\r\n0\r\n\r\n"},
		"nobody's":               {head + announced, "401", size, ""},
		"no JSON":                {strings.Replace(head, "json", "xml", 1) + known + announced, "415", size, ""},
		"a key with a blank":     {head + known + "Idempotency-Key: a b\r\n" + announced, "400", size, ""},
		"busy":                   {head + known + fmt.Sprintf("Content-Length: %d\r\n\r\n", small), "429", small, ""},
	} {
		held := inflight.Lease{Of: &s.held}
		if c.want == "429" && !held.Grow(small) {
			t.Error("something is in flight")
		}
		const request = head + known + "Content-Length: 2\r\n\r\n[]"
		answers := sendAll(t, addr, c.head+strings.Repeat(request, c.size/len(request)+1)[:c.size]+c.end)
		if !strings.HasPrefix(answers, "HTTP/1.1 "+c.want) || strings.Count(answers, "HTTP/1.1 ") != 1 {
			t.Errorf("%s: %.200q", name, answers)
		}
		held.Release()
	}
}

// sendAll writes all of a text before it reads the answers, until the server closes the connection.
func sendAll(t *testing.T, addr, text string) (answers string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "the sender is cut off: " + err.Error()
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		return "the answer is cut off: " + err.Error()
	}
	return string(all)
}

// TestPacked sends packages that are packed.
func TestPacked(t *testing.T) {
	t.Parallel()
	b := &broker{}
	s := server(t, Config{Publisher: b})
	for range 3 { // readers are used again
		var zipped, zst bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = io.WriteString(z, good)
		_ = z.Close()
		zw, _ := zstd.NewWriter(&zst)
		_, _ = io.WriteString(zw, good)
		_ = zw.Close()
		for coding, body := range map[string]string{"gzip": zipped.String(), "zstd": zst.String(), "identity": good} {
			if answer, res := post(t, s, "/collect", body, "Content-Encoding", coding); answer.status != 200 ||
				res.Accepted != 1 {
				t.Errorf("%s: %d %+v", coding, answer.status, res)
			}
			if answer, _ := post(t, s, "/collect", body[:len(body)-3], "Content-Encoding", coding); answer.status != 400 {
				t.Errorf("%s, cut off: %d", coding, answer.status)
			}
		}
	}
}

// TestHeaders has senders put what they like into headers and texts: nothing of it becomes a header, a line of a log,
// or a trace.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := &broker{}
	s := server(t, Config{Publisher: b})
	evil := strings.Replace(good, `"amount"`, `"\r\nx-evil: 1","amount"`, 1)
	answer, _ := post(t, s, "/collect", "["+strings.Replace(good, `"data":{`, `"data":{"a\r\nX-Evil: 1":1e999,`, 1)+","+
		evil+"]",
		"Traceparent", "00-xyz\x00-1", "X-Request-Id", "mine", "Prefer", "handling=lenient")
	if answer.status != http.StatusBadRequest && answer.status != http.StatusMultiStatus ||
		answer.Header.Get("X-Evil") != "" ||
		answer.Header.Get("X-Request-Id") == "mine" {
		t.Errorf("%d %v", answer.status, answer.Header)
	}
	for _, r := range b.records {
		for _, h := range r.Headers {
			if bytes.ContainsAny(h.Value, "\r\n\x00") || h.Name == pipeline.HeaderTrace {
				t.Errorf("%s: %q", h.Name, h.Value)
			}
		}
	}
}
