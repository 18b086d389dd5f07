package ui

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/txflow/txflow/otel/jaegerapi"
)

type fakeTraces struct {
	raw json.RawMessage
	err error
}

func (f fakeTraces) Raw(context.Context, string) (json.RawMessage, error) { return f.raw, f.err }

func TestTrace(t *testing.T) {
	t.Parallel()
	answer, err := os.ReadFile("../../otel/jaegerapi/testdata/trace.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Data []json.RawMessage }
	if err := json.Unmarshal(answer, &all); err != nil {
		t.Fatal(err)
	}
	raw := all.Data[0]
	roots, err := jaegerapi.Tree(raw)
	if err != nil {
		t.Fatal(err)
	}
	leaf, depth := roots[0], 0
	for len(leaf.Children) > 0 {
		leaf, depth = leaf.Children[0], depth+1
	}
	show := func(traces Traces, span string) *traceView {
		v := &traceView{TraceID: strings.Repeat("a", 32), SpanID: span}
		u := &UI{cfg: Config{Traces: traces}}
		if err := u.readTrace(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	branch := show(fakeTraces{raw: raw}, leaf.ID)
	if !branch.Branch || len(branch.Spans) != depth+1 || !branch.Spans[depth].Here || branch.Spans[depth].Depth != depth {
		t.Errorf("the way to a span: %+v", branch.Spans)
	}
	whole := show(fakeTraces{raw: raw}, "")
	for _, s := range whole.Spans {
		if s.X < 0 || s.W <= 0 || s.X+s.W > 100.01 {
			t.Errorf("it stands out of the line: %+v", s)
		}
	}
	if len(whole.Spans) < len(branch.Spans) || whole.Branch {
		t.Errorf("the whole trace: %d spans", len(whole.Spans))
	}
	for name, traces := range map[string]Traces{"not there": fakeTraces{err: jaegerapi.ErrNotFound},
		"unavailable": fakeTraces{err: errors.New("refused")}, "no Jaeger": nil} {
		if v := show(traces, ""); v.Missing == "" || v.Next == "" || len(v.Spans) > 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
