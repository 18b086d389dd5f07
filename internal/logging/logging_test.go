package logging_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/logging"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}}))
	for _, format := range []string{"auto", "json", "", "JSON"} {
		var out bytes.Buffer
		log, err := logging.New(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("unseen")
		log.With("task", "load").InfoContext(ctx, "stored\nrows", "rows", 3)
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 {
			t.Fatalf("%s: not one line of JSON: %q: %v", format, out.String(), err)
		}
		if line["trace_id"] != "ab000000000000000000000000000000" || line["span_id"] != "cd00000000000000" ||
			line["rows"] != 3.0 ||
			line["task"] != "load" || line["level"] != "INFO" || line["msg"] != "stored\nrows" || line["time"] == nil {
			t.Errorf("%s: %v", format, line)
		}
	}
	var out bytes.Buffer
	log, err := logging.New(&out, "text", "debug")
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("seen", "n", 1)
	if got := out.String(); !strings.HasSuffix(got, "level=DEBUG msg=seen n=1\n") || strings.Contains(got, "trace_id") {
		t.Errorf("text: %q", got)
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"xml", "info"}, {"json", "loud"}} {
		if _, err := logging.New(&bytes.Buffer{}, c[0], c[1]); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}
