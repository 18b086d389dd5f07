package pipeline

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// TestSpanOf has a traceparent read as OpenTelemetry reads it.
func TestSpanOf(t *testing.T) {
	t.Parallel()
	const usual = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	valid := 0
	for _, text := range []string{"", usual, strings.TrimSuffix(usual, "1") + "0", strings.TrimSuffix(usual, "1") + "2",
		strings.TrimSuffix(usual, "01") + "10", strings.TrimSuffix(usual, "01") + "ff", strings.ToUpper(usual), usual + "-x",
		"01" + usual[2:], "01" + usual[2:] + "-x", "ff" + usual[2:], "0g" + usual[2:], usual[:54], usual + "0",
		strings.Replace(usual, "af", "ag", 1), strings.Replace(usual, "af", "a:", 1), strings.Replace(usual, "b7", "B7", 1),
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		strings.ReplaceAll(usual, "-", "_"), "x"} {
		want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(),
			propagation.MapCarrier{HeaderTrace: text}))
		if got := spanOf(text); !got.Equal(want) {
			t.Errorf("%q: %v, and OpenTelemetry reads %v", text, got, want)
		}
		if want.IsValid() {
			valid++
		}
	}
	if valid < 4 {
		t.Errorf("only %d of them are valid", valid)
	}
}

func BenchmarkSpanOf(b *testing.B) {
	for b.Loop() {
		if !spanOf("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").IsValid() {
			b.Fatal("it is valid")
		}
	}
}
