package jaegerapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Span is a span with those below it, in the order in which they began.
type Span struct {
	ID       string
	Service  string
	Name     string
	Start    time.Time
	Duration time.Duration
	Failed   bool
	Tags     map[string]string
	Links    []string // ids of the traces that it links to
	Children []*Span
}

// trace is the shape of Jaeger's answer, as far as it is used. Times are in microseconds.
type trace struct {
	Spans []struct {
		TraceID       string `json:"traceID"`
		SpanID        string `json:"spanID"`
		OperationName string `json:"operationName"`
		References    []struct {
			RefType string `json:"refType"`
			TraceID string `json:"traceID"`
			SpanID  string `json:"spanID"`
		} `json:"references"`
		StartTime int64 `json:"startTime"`
		Duration  int64 `json:"duration"`
		Tags      []struct {
			Key   string `json:"key"`
			Value any    `json:"value"`
		} `json:"tags"`
		ProcessID string `json:"processID"`
	} `json:"spans"`
	Processes map[string]struct {
		ServiceName string `json:"serviceName"`
	} `json:"processes"`
}

// Tree builds the tree of a trace from Jaeger's answer and returns its roots: spans without a parent, or whose parent
// is not in the trace.
func Tree(raw json.RawMessage) ([]*Span, error) {
	var t trace
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("not a trace of Jaeger: %w", err)
	}
	spans := make(map[string]*Span, len(t.Spans))
	for i := range t.Spans {
		s := &t.Spans[i]
		span := &Span{ID: s.SpanID, Service: t.Processes[s.ProcessID].ServiceName, Name: s.OperationName,
			Start:    time.UnixMicro(s.StartTime),
			Duration: time.Duration(s.Duration) * time.Microsecond, Tags: make(map[string]string, len(s.Tags))}
		for _, tag := range s.Tags {
			span.Tags[tag.Key] = fmt.Sprint(tag.Value)
		}
		span.Failed = span.Tags["error"] == "true" || span.Tags["otel.status_code"] == "ERROR"
		spans[s.SpanID] = span
	}
	var roots []*Span
	for i := range t.Spans {
		s := &t.Spans[i]
		span, parent := spans[s.SpanID], (*Span)(nil)
		for _, ref := range s.References {
			switch {
			case ref.RefType != "CHILD_OF":
				span.Links = append(span.Links, ref.TraceID)
			case ref.TraceID == s.TraceID && ref.SpanID != s.SpanID:
				parent = spans[ref.SpanID]
			}
		}
		if parent == nil {
			roots = append(roots, span)
		} else {
			parent.Children = append(parent.Children, span)
		}
	}
	for _, span := range spans {
		sortByStart(span.Children)
	}
	sortByStart(roots)
	return roots, nil
}

func sortByStart(spans []*Span) {
	slices.SortStableFunc(spans, func(a, b *Span) int { return a.Start.Compare(b.Start) })
}

// Fold is siblings that are alike: same service, name and outcome. Shown are the first of them.
type Fold struct {
	Shown []*Span
	More  int // how many are not shown
}

// FoldAlike puts siblings that are alike together, in the order of the first of each, and shows at most so many.
func FoldAlike(siblings []*Span, show int) (folds []Fold) {
	type kind struct {
		service, name string
		failed        bool
	}
	at := map[kind]int{}
	for _, s := range siblings {
		k := kind{s.Service, s.Name, s.Failed}
		i, ok := at[k]
		if !ok {
			i = len(folds)
			at[k], folds = i, append(folds, Fold{})
		}
		if f := &folds[i]; len(f.Shown) < show {
			f.Shown = append(f.Shown, s)
		} else {
			f.More++
		}
	}
	return folds
}
