package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/transaction"
)

// original answers as the service of the brief does: FastAPI's 422, no model_version, no /health.
func original(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/predict" {
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasPrefix(string(body), "{"):
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"detail":[{"type":"list_type","loc":["body"],"msg":"Input should be a valid list"}]}`)
	case strings.Contains(string(body), `"amount":"no number"`):
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"detail":[{"type":"float_parsing","loc":["body",1,"amount"],"msg":"Input should be a `+
			`valid number","input":"no number"}]}`)
	default:
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		answerAll(w, read(r))
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	// break_ changes one answer of the original service.
	break_ := func(where, status int, body string) http.HandlerFunc {
		n := 0
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/predict" {
				if n++; n == where {
					_, _ = io.Copy(io.Discard, r.Body)
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
					return
				}
			}
			original(w, r)
		}
	}
	rows := SampleRows(2)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		fails   string // the check that fails, with its detail
	}{
		"the original service": {original, ""},
		"empty array":          {break_(2, 200, "null"), "an empty array: it answers 200"},
		"400 for bad input":    {break_(3, 400, "no"), "an invalid amount: it answers 400"},
		"no detail":            {break_(3, 422, "no"), "an invalid amount: the body of 422"},
		"no pointer":           {break_(3, 422, `{"detail":"no"}`), "an invalid amount: its loc"},
		"an object passes":     {break_(4, 200, "[]"), "an object: it answers 200"},
		"a size fails":         {break_(5, 500, ""), "1 row: it answers 500"},
		"another order": {break_(7, 200, array(item(rows[1].ID.String(), "Rent", ""),
			item(rows[0].ID.String(), "Rent", ""))), "2 rows: answer 0 is of another id"},
		"one too few": {break_(7, 200, array(item(rows[0].ID.String(), "Rent", ""))), "2 rows: 1 answer for 2 rows"},
		"unknown category": {break_(7, 200, array(item(rows[0].ID.String(), "Rent", ""),
			item(rows[1].ID.String(), "Pets", ""))), `2 rows: the category "Pets" of its item 1 is not among the 15`},
		"no JSON": {break_(7, 200, "<p>"), "2 rows: the ML API's answer can not be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := newClient(t, quick(serve(t, c.handler))).Check(t.Context(), 25, 2)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, k := range report.Checks {
				if !k.OK {
					failed = append(failed, k.Name+": "+k.Detail)
				}
			}
			if got := strings.Join(failed, "; "); (c.fails == "") != (got == "") || !strings.HasPrefix(got, c.fails) ||
				report.OK() != (c.fails == "") {
				t.Errorf("failed: %q, want %q", got, c.fails)
			}
			if c.fails == "" && (len(report.Checks) != 8 || len(report.Latencies) != 4 || report.Latencies[3].Rows != 25 ||
				report.Latencies[3].Median <= 0) {
				t.Errorf("%+v", report)
			}
		})
	}
	for _, status := range []int{401, 404, 500} {
		if _, err := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/predict" {
				w.WriteHeader(status)
			}
		}))).Check(t.Context(), 2, 1); fault.ExitCode(err) != fault.ExitUnavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestCategoriesAreConfiguration has an API answer categories of its own.
func TestCategoriesAreConfiguration(t *testing.T) {
	t.Parallel()
	pets, err := transaction.NewCategories([]string{"Pets", "Café & Bar", "Other"})
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, array(item(read(r)[0].ID, "Café & Bar", "")))
	})
	cfg := quick(url)
	if _, err := newClient(t, cfg).Predict(t.Context(), sample(1)); fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(err.Error(), `"Café & Bar"`) || !strings.Contains(fault.Hint(err), "--categories") {
		t.Errorf("an unknown category: exit code %d: %v (%s)", fault.ExitCode(err), err, fault.Hint(err))
	}
	cfg.Categories = pets
	if r, err := newClient(t, cfg).Predict(t.Context(), sample(1)); err != nil || r.Items[0].Category != "Café & Bar" {
		t.Errorf("%+v %v", r, err)
	}
	for _, wrong := range [][]string{nil, {""}, {"a", "a"}, {`a"b`}, {`a\b`}, {"a\nb"}, {" a"}, {"a,b"}, {"\xff"},
		{strings.Repeat("x", 101)}, make([]string, 1001)} {
		if _, err := transaction.NewCategories(wrong); err == nil {
			t.Errorf("%q are taken", fmt.Sprint(wrong)[:min(20, len(fmt.Sprint(wrong)))])
		}
	}
}
