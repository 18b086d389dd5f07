package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// TestSlowSenders has a thousand idle connections, and senders that do not finish their head or their body: others are
// served, and the slow ones are answered and let go.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	s, addr, _ := listening(t, Config{Publisher: &broker{}, BodyTimeout: 2 * time.Second, MaxBodyBytes: 1 << 20,
		MaxInFlight: 1 << 20})
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}()
	for range 1000 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	slow := make(chan string, 20)
	for range cap(slow) {
		go func() { slow <- raw(t, addr, head+"Content-Length: 1000000\r\n\r\n[", nil) }()
	}
	for range 10 {
		if got := raw(t, addr, fmt.Sprintf("%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(good), good),
			nil); !strings.HasPrefix(got, "200") {
			t.Errorf("beside slow senders: %q", got)
		}
	}
	for range cap(slow) {
		if got := <-slow; !strings.HasPrefix(got, "408") && !strings.HasPrefix(got, "429") {
			t.Errorf("a slow sender: %q", got)
		}
	}
	if s.held.Used() != 0 {
		t.Errorf("%d bytes are held", s.held.Used())
	}
}

// blocked publishes nothing until it may.
type blocked struct {
	broker
	came chan struct{}
	may  chan struct{}
}

func (b *blocked) Publish(ctx context.Context, records []pipeline.Record) []error {
	b.came <- struct{}{}
	<-b.may
	return b.broker.Publish(ctx, records)
}

// TestShutdown ends the server while Kafka is slow: what was accepted is acknowledged, and answered.
func TestShutdown(t *testing.T) {
	t.Parallel()
	b := &blocked{came: make(chan struct{}), may: make(chan struct{})}
	_, addr, stop := listening(t, Config{Publisher: b})
	request := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(good), good)
	answered := make(chan string, 1)
	go func() { answered <- raw(t, addr, request, nil) }()
	<-b.came
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for deadline := time.Now().Add(time.Minute); ; { // until nobody listens
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("after a minute it still listens")
		}
	}
	close(b.may)
	if got, err := <-answered, <-ended; !strings.HasPrefix(got, "200") || err != nil || len(b.of(events.Raw)) != 1 {
		t.Errorf("the request in flight: %q, the server: %v", got, err)
	}
}

// TestBusy fills the budget: the next package is 429, and passes afterwards.
func TestBusy(t *testing.T) {
	t.Parallel()
	b := &blocked{came: make(chan struct{}), may: make(chan struct{})}
	s := server(t, Config{Publisher: b, MaxBodyBytes: 1000, MaxInFlight: 1000})
	large := good + strings.Repeat(" ", 800)
	done := make(chan int, 1)
	go func() {
		answer, _ := post(t, s, "/collect", large)
		done <- answer.status
	}()
	<-b.came
	if answer, res := post(t, s, "/collect", large); answer.status != 429 || res.Code != "busy" ||
		answer.Header.Get("Retry-After") == "" {
		t.Errorf("beyond the budget: %d %+v", answer.status, res)
	}
	close(b.may)
	if status := <-done; status != 200 {
		t.Errorf("the first: %d", status)
	}
	go func() { <-b.came }()
	if answer, _ := post(t, s, "/collect", large); answer.status != 200 {
		t.Errorf("afterwards: %d", answer.status)
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

// TestPages refuses web pages that are not configured, and lets in those that are.
func TestPages(t *testing.T) {
	t.Parallel()
	ask := func(h http.Handler, method, host string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/collect", strings.NewReader(good))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	closed := server(t, Config{Publisher: &broker{}}).guarded()
	open := server(t, Config{Publisher: &broker{}, Origins: []string{"https://shop.example"}}).guarded()
	for name, c := range map[string]struct {
		got    *httptest.ResponseRecorder
		status int
		allow  string
	}{
		"no page":        {ask(closed, http.MethodPost, "localhost:8001"), 200, ""},
		"another name":   {ask(closed, http.MethodPost, "evil.example"), 421, ""},
		"another's page": {ask(closed, http.MethodPost, "localhost:8001", "Origin", "https://shop.example"), 403, ""},
		"another's asks": {ask(closed, http.MethodOptions, "localhost:8001", "Origin", "https://shop.example",
			"Access-Control-Request-Method", "POST"), 403, ""},
		"a page": {ask(open, http.MethodPost, "collect.example", "Origin", "https://shop.example"), 200,
			"https://shop.example"},
		"a page asks": {ask(open, http.MethodOptions, "collect.example", "Origin", "https://shop.example",
			"Access-Control-Request-Method", "POST"), 204, "https://shop.example"},
		"not that page":     {ask(open, http.MethodPost, "localhost", "Origin", "https://evil.example"), 403, ""},
		"none, with a list": {ask(open, http.MethodPost, "localhost"), 200, ""},
	} {
		if c.got.Code != c.status || c.got.Header().Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%s: %d %v", name, c.got.Code, c.got.Header())
		}
	}
}

// TestPagesOfTheServer has the documents that it serves itself.
func TestPagesOfTheServer(t *testing.T) {
	t.Parallel()
	s := server(t, Config{Publisher: &broker{}})
	post(t, s, "/collect", good)
	for path, want := range map[string]string{"/health": `"ok"`, "/ready": `"ready"`, "/docs": "Idempotency-Key",
		"/openapi.json": `"openapi": "3.1.0"`,
		"/metrics":      `txflow_collect_events_total{outcome="accepted"} 1`} {
		if got := get(s, path); got.Code != 200 || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %.300s", path, got.Code, got.Body)
		}
	}
	var document map[string]any
	if err := json.Unmarshal(get(s, "/openapi.json").Body.Bytes(), &document); err != nil {
		t.Error(err)
	}
}

// FuzzCollect posts anything: every answer is JSON with a status that is known, and counts what was published.
func FuzzCollect(f *testing.F) {
	for _, seed := range []string{good, "[" + good + "," + broken + "]", `[{"event_type":"A","company_id":"c"}]`, "[",
		"\xff", `[{"headers":"{\"type\":1}"}]`} {
		f.Add([]byte(seed), "k", "handling=strict")
		f.Add([]byte(seed), "", "")
	}
	b := &broker{}
	s, err := New(Config{Publisher: b, Schema: FixedSchema(7)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, key, prefer string) {
		b.records = nil
		headers := []string{"Prefer", prefer}
		if key != "" {
			headers = append(headers, "Idempotency-Key", key)
		}
		answer, res := post(t, s, "/collect", string(body), headers...)
		switch answer.status {
		case http.StatusOK, http.StatusMultiStatus, http.StatusBadRequest, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity:
		default:
			t.Fatalf("%d", answer.status)
		}
		if n := len(b.of(events.Raw)); n != res.Accepted {
			t.Fatalf("%d are accepted, %d published", res.Accepted, n)
		}
		for _, r := range b.of(events.Raw) {
			_, value, _ := events.SplitHeader(r.Value)
			e, err := events.ParseRaw(value)
			if err != nil || e.ID.String() != string(r.Key) || e.Type == "" || e.Data != "" && !json.Valid([]byte(e.Data)) ||
				e.Extra != "" && !json.Valid([]byte(e.Extra)) {
				t.Fatalf("%+v %v", e, err)
			}
		}
		for _, r := range b.of(events.DeadLetters) {
			if !json.Valid(r.Value) {
				t.Fatalf("%q", r.Value)
			}
		}
	})
}
