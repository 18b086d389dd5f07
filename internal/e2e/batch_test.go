package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/testtool"
)

// TestBatch is make batch: a browser triggers the DAG, whose tasks are containers that Airflow starts by the proxy
// before the engine; then each service crashes in turn, and the stack is stopped and started.
func TestBatch(t *testing.T) {
	asked(t, false)
	s := start(t)
	all := s.services("batch")
	t.Log(s.batchUp())
	s.phase("a browser runs a file", func() {
		s.memory()
		s.proxyRefuses()
		s.run("bash", "-c", "../stack/stack tool copy - s3://inputs/transactions.csv <../../data/transactions.csv")
		s.browser()
		s.ledger()
		s.everyCallIsTraced()
	})
	s.phase("the same file again", func() {
		s.trigger()
		rows := s.count(stored)
		s.trigger()
		if now := s.count(stored); now != rows {
			s.t.Errorf("%d rows, there were %d", now, rows)
		}
	})
	s.phase("crashes", func() {
		rows := s.count(stored)
		for _, name := range all {
			if s.containers()[name].healthy() {
				s.crashes(name)
			}
		}
		s.trigger()
		if now := s.count(stored); now != rows {
			s.t.Errorf("%d rows, there were %d", now, rows)
		}
	})
	s.phase("down and up", func() {
		rows, runs := s.count(stored), s.runs()
		s.script("down")
		s.t.Log(s.batchUp())
		if now := s.runs(); now != runs {
			s.t.Errorf("Airflow knows %d runs, there were %d", now, runs)
		}
		if now := s.count(stored); now != rows {
			s.t.Errorf("there are %d rows, there were %d", now, rows)
		}
		s.unchanged(func() { s.t.Log("a second time: " + s.batchUp()) })
	})
}

// batchUp is make batch; it returns the line that says how long it took.
func (s *stack) batchUp() string {
	s.t.Helper()
	began := time.Now()
	took, _, _ := strings.Cut(s.script("up", "batch"), "\n")
	s.took("make batch", time.Since(began))
	return took
}

// pages opens pages of the stack in a Chromium; SCREENSHOTS keeps a picture of each.
func (s *stack) pages() {
	s.t.Helper()
	type page struct {
		Name     string `json:"name"`
		URL      string `json:"url"`
		Shows    string `json:"shows"`
		Password string `json:"password,omitempty"`
	}
	all := []page{
		{"ui-overview", s.url("UI", "/"), "Utilities", s.secret("ui_token")},
		{"ui-stream", s.url("UI", "/stream"), "transactions.raw", s.secret("ui_token")},
		{"collect", s.url("COLLECT", "/docs"), "/collect", ""},
		{"ml-api", s.url("ML_API", "/docs"), "Bearer token", ""},
	}
	for service, p := range map[string]page{
		"jaeger":     {"jaeger", s.url("JAEGER", "/search?service=txflow-stream-classify&limit=5"), "predict", ""},
		"prometheus": {"prometheus", s.url("PROMETHEUS", "/alerts"), "StreamMakesNoProgress", ""},
	} {
		if what := s.standsIn(service); what != "" {
			s.unprovenf("the pages of %s: %s", service, what)
			continue
		}
		all = append(all, p)
	}
	text, err := json.Marshal(all)
	if err != nil {
		s.t.Fatal(err)
	}
	s.chromium("pages", "PAGES="+string(text))
}

// browser runs the sample from Airflow's form in a Chromium, and follows the links to its rows and its trace.
func (s *stack) browser() {
	s.t.Helper()
	s.chromium("batch", "AIRFLOW_URL="+s.url("AIRFLOW", ""), "AIRFLOW_PASSWORD="+s.secret("airflow_admin"),
		"UI_TOKEN="+s.secret("ui_token"), "BROWSER_FILE=s3://inputs/transactions.csv")
}

// chromium runs a part of the browser's tests.
func (s *stack) chromium(part string, env ...string) {
	s.t.Helper()
	run := s.command("../../dags/tests/browser/run", part)
	run.Env = append(append(run.Env, testtool.Require+"=1"), env...)
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, _ = filepath.Abs(pictures)
		run.Env = append(run.Env, "SCREENSHOTS="+pictures)
	}
	if said, err := run.CombinedOutput(); err != nil {
		s.t.Fatalf("the browser: %v\n%s", err, said)
	}
}

// runs counts the runs of the DAG that Airflow knows, once it answers.
func (s *stack) runs() (n int) {
	s.t.Helper()
	s.until("Airflow says how many runs there are", time.Minute, func() (known bool) {
		n, known = s.runsNow()
		return known
	})
	return n
}

func (s *stack) runsNow() (n int, known bool) {
	login := strings.NewReader(fmt.Sprintf(`{"username": "admin", "password": %q}`, s.secret("airflow_admin")))
	request, err := http.NewRequest(http.MethodPost, s.url("AIRFLOW", "/auth/token"), login)
	if err != nil {
		return 0, false
	}
	request.Header.Set("Content-Type", "application/json")
	_, text, err := answer(request)
	var token struct {
		Token string `json:"access_token"`
	}
	if err != nil || json.Unmarshal([]byte(text), &token) != nil || token.Token == "" {
		return 0, false
	}
	var found struct {
		Total *int `json:"total_entries"`
	}
	said, ok := s.get("AIRFLOW", "/api/v2/dags/transactions_batch/dagRuns", "", token.Token)
	if !ok || json.Unmarshal([]byte(said), &found) != nil || found.Total == nil {
		return 0, false
	}
	return *found.Total, true
}
