package collect

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/txflow/txflow/stream/pipeline"
)

const (
	good = `{"data":{"id":"1","amount":1.50},"headers":{"type":"T",` +
		`"X-Message-Stamp-N\\NewContextStamp":{"accountId":"a","userId":"u"}}}`
	broken = `{"data":{"id":"1","amount":"x"},"headers":{"type":"T",` +
		`"X-Message-Stamp-N\\NewContextStamp":{"accountId":"a","userId":"u"}}}`
)

// broker keeps what is published; it fails records as fail says.
type broker struct {
	mu      sync.Mutex
	records []pipeline.Record
	fail    func(pipeline.Record) error
	down    error
}

func (b *broker) Publish(_ context.Context, records []pipeline.Record) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs := make([]error, len(records))
	for i, r := range records {
		if b.fail != nil {
			errs[i] = b.fail(r)
		}
		if errs[i] == nil {
			r.Key, r.Value, r.Headers = slices.Clone(r.Key), slices.Clone(r.Value), slices.Clone(r.Headers)
			b.records = append(b.records, r)
		}
	}
	return errs
}

func (b *broker) Check(context.Context, ...string) error { return b.down }

func (b *broker) of(topic string) (found []pipeline.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records {
		if r.Topic == topic {
			found = append(found, r)
		}
	}
	return found
}

func header(r pipeline.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// result is what a test reads of an answer.
type result struct {
	CorrelationID string `json:"correlation_id"`
	RequestID     string `json:"request_id"`
	Accepted      int
	Rejected      int
	Unwritten     int
	Errors        bool
	Code          string
	Items         []struct {
		Index   int
		ID      string
		Status  int
		Code    string
		Pointer string
	}
}

func server(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Schema == nil {
		cfg.Schema = FixedSchema(7)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func post(t *testing.T, h http.Handler, path, body string, headers ...string) (reply, result) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var res result
	if err := json.Unmarshal(w.Body.Bytes(), &res); err != nil {
		t.Fatalf("%d is answered with %q: %v", w.Code, w.Body, err)
	}
	return reply{w.Code, w.Header()}, res
}

// reply is what a test reads of the head of an answer.
type reply struct {
	status int
	Header http.Header
}

func failing(r pipeline.Record, topic string, err error) error {
	if r.Topic == topic {
		return err
	}
	return nil
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
