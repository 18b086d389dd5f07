package ui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/otel/jaegerapi"
)

// spanRow is a span in the waterfall.
type spanRow struct {
	Depth   int           `json:"depth"`
	Service string        `json:"service"`
	Name    string        `json:"name"`
	SpanID  string        `json:"span_id"`
	Start   time.Time     `json:"start"`
	Took    time.Duration `json:"duration_ns"`
	Failed  bool          `json:"failed"`
	Tags    []header      `json:"tags,omitempty"`
	More    int           `json:"more,omitempty"` // siblings like it that are not shown
	Here    bool          `json:"-"`              // the one that the address names
	X, W    float64       `json:"-"`
}

// traceView is a trace, or the branch of it that leads to a span.
type traceView struct {
	TraceID string
	SpanID  string
	Spans   []spanRow
	Span    time.Duration
	Ticks   []label
	Missing string // why there are no spans
	Next    string
	Jaeger  string // its address there
	Branch  bool   // only the way to SpanID, and what is below it, is shown
}

const (
	traceTime  = 5 * time.Second
	alikeShown = 3
	maxSpans   = 400
)

var (
	traceShape = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanShape  = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

func (u *UI) tracePage(r *http.Request) (*page, error) {
	v := &traceView{TraceID: r.PathValue("trace"), SpanID: r.URL.Query().Get("span")}
	if !traceShape.MatchString(v.TraceID) || v.SpanID != "" && !spanShape.MatchString(v.SpanID) {
		return nil, fault.Failf(fault.ExitUsage, "a trace has 32 hexadecimal digits, a span 16")
	}
	if u.cfg.Jaeger != "" {
		v.Jaeger = strings.TrimRight(u.cfg.Jaeger, "/") + "/trace/" + v.TraceID
		if v.SpanID != "" {
			v.Jaeger += "?" + url.Values{"uiFind": {v.SpanID}}.Encode()
		}
	}
	if err := u.readTrace(r.Context(), v); err != nil {
		return nil, err
	}
	return &page{View: "trace", Title: "Trace", Data: v, Parts: []Part{{"spans", v.Spans}}}, nil
}

func (u *UI) readTrace(ctx context.Context, v *traceView) error {
	if u.cfg.Traces == nil {
		v.Missing, v.Next = "No Jaeger is named.", "start txflow ui with --jaeger-url (JAEGER_URL)"
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, traceTime)
	defer cancel()
	raw, err := u.cfg.Traces.Raw(ctx, v.TraceID)
	switch {
	case errors.Is(err, jaegerapi.ErrNotFound):
		v.Missing, v.Next = "Jaeger has no such trace, or not yet.",
			"spans arrive some seconds after they end, and only where OTEL_EXPORTER_OTLP_ENDPOINT was set"
		return nil
	case err != nil:
		v.Missing, v.Next = "Jaeger does not answer: "+plain(err.Error()),
			"start one with make dev, or name another with --jaeger-url (JAEGER_URL)"
		return nil
	}
	roots, err := jaegerapi.Tree(raw)
	if err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	if v.SpanID != "" {
		if branch := wayTo(roots, v.SpanID); branch != nil {
			roots, v.Branch = []*jaegerapi.Span{branch}, true
		}
	}
	v.add(roots, 0)
	v.place()
	return nil
}

// wayTo is a copy of the branch that leads to a span: its ancestors with one child each, and all that is below it. Nil
// where the span is not there.
func wayTo(siblings []*jaegerapi.Span, id string) *jaegerapi.Span {
	for _, s := range siblings {
		if s.ID == id {
			return s
		}
		if below := wayTo(s.Children, id); below != nil {
			alone := *s
			alone.Children = []*jaegerapi.Span{below}
			return &alone
		}
	}
	return nil
}

// add appends siblings, each with what is below it. Of many that are alike some are shown.
func (v *traceView) add(siblings []*jaegerapi.Span, depth int) {
	for _, fold := range jaegerapi.FoldAlike(siblings, alikeShown) {
		for i, s := range fold.Shown {
			if len(v.Spans) >= maxSpans {
				return
			}
			row := spanRow{Depth: depth, Service: s.Service, Name: s.Name, SpanID: s.ID, Start: s.Start, Took: s.Duration,
				Failed: s.Failed, Here: s.ID == v.SpanID}
			if i == len(fold.Shown)-1 {
				row.More = fold.More
			}
			for name, value := range s.Tags {
				row.Tags = append(row.Tags, header{name, value})
			}
			slices.SortFunc(row.Tags, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
			v.Spans = append(v.Spans, row)
			v.add(s.Children, depth+1)
		}
	}
}

// place puts the spans between the first's start and the last's end.
func (v *traceView) place() {
	if len(v.Spans) == 0 {
		return
	}
	start, end := v.Spans[0].Start, v.Spans[0].Start
	for _, s := range v.Spans {
		if s.Start.Before(start) {
			start = s.Start
		}
		if e := s.Start.Add(s.Took); e.After(end) {
			end = e
		}
	}
	v.Span = max(end.Sub(start), time.Microsecond)
	for i := range v.Spans {
		s := &v.Spans[i]
		s.W = max(share(float64(s.Took), float64(v.Span)), 0.4)
		s.X = min(share(float64(s.Start.Sub(start)), float64(v.Span)), 100-s.W)
	}
	for i := range 4 {
		v.Ticks = append(v.Ticks, label{At: float64(i) * 25, Text: duration(v.Span * time.Duration(i) / 4)})
	}
}
