// Package logging writes structured lines for stderr: text for people at a terminal, JSON for everything else, with the
// ids of the current span. Results go to stdout and never through here.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/term"
)

// Formats of a log.
const (
	Auto = "auto" // text on a terminal, else JSON
	Text = "text"
	JSON = "json"
)

// New makes a logger that writes to w, as a rule os.Stderr. Level is debug, info, warn or error; "" is info. An unknown
// format or level is an error.
func New(w io.Writer, format, level string) (*slog.Logger, error) {
	lowest, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: lowest}
	var handler slog.Handler
	switch strings.ToLower(format) {
	case Auto, "":
		if IsTerminal(w) {
			return New(w, Text, level)
		}
		return New(w, JSON, level)
	case Text:
		options.ReplaceAttr = shortTime
		handler = slog.NewTextHandler(w, options)
	case JSON:
		handler = slog.NewJSONHandler(w, options)
	default:
		return nil, fmt.Errorf("the log format %q is none of auto, text, json", format)
	}
	return slog.New(traced{handler}), nil
}

// ForMachines returns the logger that New makes where the log is JSON, nil where people read it.
func ForMachines(w io.Writer, format string) *slog.Logger {
	if f := strings.ToLower(format); f == JSON || f != Text && !IsTerminal(w) {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return nil
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func parseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("the log level %q is none of debug, info, warn, error", s)
}

// shortTime is enough for someone who watches.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
	}
	return a
}

// traced adds the ids of the span in the context. In a logger with an open group they are in that group.
type traced struct{ slog.Handler }

// Handle adds trace_id and span_id.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the decoration.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the decoration.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
