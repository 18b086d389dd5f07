package collect

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/stream/pipeline"
)

// nowhere acknowledges at once.
type nowhere struct{ broker }

func (*nowhere) Publish(_ context.Context, records []pipeline.Record) []error {
	return make([]error, len(records))
}

// BenchmarkCollect is what a package of 100 events costs without HTTP and Kafka.
func BenchmarkCollect(b *testing.B) {
	s, err := New(Config{Publisher: &nowhere{}, Schema: FixedSchema(7)})
	if err != nil {
		b.Fatal(err)
	}
	const size = 100
	made := data.NewEvents(data.EventOptions{Start: time.Now()})
	var events []string
	for range size {
		event, _ := made.Next()
		events = append(events, event)
	}
	body := "[" + strings.Join(events, ",") + "]"
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/collect", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/event")
}
