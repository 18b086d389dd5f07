package jaegerapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/otel/jaegerapi"
)

const traceID = "0af7651916cd43dd8448eb211c80319c"

// ask serves an answer as a Jaeger would and asks for the trace.
func ask(t *testing.T, status int, answer string) (json.RawMessage, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/traces/"+traceID {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	c := jaegerapi.Client{URL: server.URL + "/", HTTP: server.Client()}
	return c.Raw(t.Context(), traceID)
}

func recorded(t *testing.T) json.RawMessage {
	t.Helper()
	answer, err := os.ReadFile("testdata/trace.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ask(t, http.StatusOK, string(answer))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWhatJaegerAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status   int
		answer   string
		notFound bool
	}{
		{http.StatusNotFound, `{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}`, true},
		{http.StatusOK, `{"data":[],"errors":null}`, true},
		{http.StatusInternalServerError, `{"errors":[{"code":500,"msg":"no storage"}]}`, false},
		{http.StatusOK, `<html>`, false},
	} {
		if _, err := ask(t, c.status, c.answer); err == nil || errors.Is(err, jaegerapi.ErrNotFound) != c.notFound {
			t.Errorf("%d %s: %v", c.status, c.answer, err)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	roots, err := jaegerapi.Tree(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(roots) != 1 { // its parent, Airflow's span, is not in the trace
		t.Fatalf("%d roots", len(roots))
	}
	task := roots[0]
	if task.Name != "task classify" || task.Service != "txflow-classify" || task.Failed ||
		task.Duration != 900*time.Millisecond ||
		task.Tags["txflow.rows"] != "3000" || strings.Join(task.Links, " ") != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("%+v", task)
	}
	if len(task.Children) != 6 {
		t.Fatalf("%d calls", len(task.Children))
	}
	for i, call := range task.Children {
		if call.Failed != (i == 1) || i > 0 && call.Start.Before(task.Children[i-1].Start) || len(call.Children) != 1 ||
			call.Children[0].Service != "ml-api" {
			t.Errorf("call %d: %+v", i, call)
		}
	}
	if _, err := jaegerapi.Tree(json.RawMessage(`[]`)); err == nil {
		t.Error("what is no trace became a tree")
	}
}

func TestSpansThatNameThemselvesAsParentEnd(t *testing.T) {
	t.Parallel()
	roots, err := jaegerapi.Tree(json.RawMessage(`{"spans":[{"traceID":"t","spanID":"a",` +
		`"references":[{"refType":"CHILD_OF","traceID":"t","spanID":"a"}]}]}`))
	if err != nil || len(roots) != 1 || len(roots[0].Children) != 0 {
		t.Errorf("%v, %v", roots, err)
	}
}

func TestFoldAlike(t *testing.T) {
	t.Parallel()
	roots, err := jaegerapi.Tree(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	folds := jaegerapi.FoldAlike(roots[0].Children, 3)
	if len(folds) != 2 || len(folds[0].Shown) != 3 || folds[0].More != 2 || len(folds[1].Shown) != 1 ||
		folds[1].More != 0 || !folds[1].Shown[0].Failed {
		t.Errorf("%+v", folds)
	}
}
