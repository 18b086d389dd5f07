package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/secret"
)

// largeBody is a body of nearly 16 MB that takes little memory: ten transactions with long descriptions.
func largeBody() (body io.Reader, size int64) {
	chunk := strings.Repeat("x", 1<<10)
	var parts []io.Reader
	for i := range 10 {
		separator := "["
		if i > 0 {
			separator = ","
		}
		parts = append(parts, strings.NewReader(fmt.Sprintf(`%s{"id":"00000000-0000-0000-0000-%012d","description":"`,
			separator, i)))
		for range 1500 {
			parts = append(parts, strings.NewReader(chunk))
		}
		parts = append(parts,
			strings.NewReader(`","amount":1.5,"timestamp":"2024-01-02T03:04:05Z","merchant":null,"operation_type":"card",`+
				`"side":"credit"}`))
	}
	parts = append(parts, strings.NewReader("]"))
	for _, p := range parts {
		size += p.(*strings.Reader).Size()
	}
	return io.MultiReader(parts...), size
}

// TestManyLargeBodiesTakeLittleMemory sends forty at once, with and without a length. Some are asked to retry; none
// fails, and memory stays near the budget.
func TestManyLargeBodiesTakeLittleMemory(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	runtime.GC()
	var base runtime.MemStats
	runtime.ReadMemStats(&base)
	var peak, answered, later atomic.Int64
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), int64(m.HeapInuse)-int64(base.HeapInuse)))
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			body, size := largeBody()
			request, _ := http.NewRequest(http.MethodPost, h.URL+"/predict", body)
			if i%2 == 0 {
				request.ContentLength = size
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = response.Body.Close() }()
			_, _ = io.Copy(io.Discard, response.Body)
			switch {
			case response.StatusCode == http.StatusOK:
				answered.Add(1)
			case response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") != "":
				later.Add(1)
			default:
				t.Errorf("status %d", response.StatusCode)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-watched
	t.Logf("%d answered, %d asked to retry, %d MB at most", answered.Load(), later.Load(), peak.Load()>>20)
	const most = 400 << 20
	if peak.Load() > most || answered.Load() == 0 || answered.Load()+later.Load() != 40 {
		t.Errorf("%d answered, %d asked to retry, %d MB at most", answered.Load(), later.Load(), peak.Load()>>20)
	}
	if held := s.held.Used(); held != 0 {
		t.Errorf("%d bytes are held at the end", held)
	}
}

// TestBudgetIsKept fills the budget with a body that is not finished: the next is asked to retry, and passes
// afterwards.
func TestBudgetIsKept(t *testing.T) {
	t.Parallel()
	s, err := New(Config{MaxBodyBytes: 1 << 20, MaxInFlight: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	r, w := io.Pipe()
	ended := make(chan int)
	go func() {
		request, _ := http.NewRequest(http.MethodPost, h.URL+"/predict", r)
		request.ContentLength = 900 << 10
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			ended <- 0
			return
		}
		_ = response.Body.Close()
		ended <- response.StatusCode
	}()
	const part = 850 << 10
	_, _ = w.Write(append([]byte("["), bytes.Repeat([]byte(" "), part-1)...))
	for deadline := time.Now().Add(10 * time.Second); s.held.Used() < part && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	ask := func() int {
		response, err := http.Post(h.URL+"/predict", "application/json", bytes.NewReader(bytes.Repeat([]byte(" "),
			200<<10)))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if got := ask(); got != http.StatusTooManyRequests {
		t.Errorf("beyond the budget: %d", got)
	}
	_, _ = w.Write(bytes.Repeat([]byte(" "), 900<<10-part-1))
	_, _ = w.Write([]byte("]"))
	_ = w.Close()
	if got := <-ended; got != http.StatusOK {
		t.Errorf("the large one: %d", got)
	}
	if got := ask(); got != http.StatusUnprocessableEntity { // only spaces
		t.Errorf("when there is room again: %d", got)
	}
	if _, err := New(Config{MaxBodyBytes: 10, MaxInFlight: 9}); err == nil {
		t.Error("a budget below the largest body is taken")
	}
}

func TestTokenIsWanted(t *testing.T) {
	t.Parallel()
	tokens, err := secret.NewTokens("right", "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, header string
		want         int
	}{
		{"/predict", "", 401}, {"/predict", "Bearer wrong", 401}, {"/predict", "Basic right", 401},
		{"/predict", "Bearer right", 405}, {"/predict", "bearer  right", 405},
		{"/metrics", "", 401}, {"/metrics", "Bearer right", 200}, {"/health", "", 200}, {"/openapi.json", "", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, http.NoBody)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want || w.Code == 401 && (w.Header().Get("WWW-Authenticate") != "Bearer" ||
			!strings.Contains(w.Body.String(), `"detail"`)) {
			t.Errorf("%s with %q: %d %s", c.path, c.header, w.Code, w.Body)
		}
	}
}
