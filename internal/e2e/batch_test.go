package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/testtool"
)

// TestBatch is make batch: a browser triggers the DAG, whose tasks are containers that Airflow starts by the proxy
// before the engine; then each service crashes in turn, and the stack is stopped and started.
func TestBatch(t *testing.T) {
	asked(t, false)
	s := start(t)
	all := s.services("batch")
	t.Log(s.batchUp())
	s.memory()
	s.proxyRefuses()

	s.run("bash", "-c", "../stack/stack tool copy - s3://inputs/transactions.csv <../../data/transactions.csv")
	s.browser()
	s.ledger()
	s.everyCallIsTraced()

	s.trigger()
	rows, runs := s.count(stored), s.runs()
	s.trigger()
	if now := s.count(stored); now != rows {
		t.Errorf("the same file again: %d rows, there were %d", now, rows)
	}
	for _, name := range all {
		if s.containers()[name].healthy() {
			t.Logf("%s crashed, and was healthy again after %s", name, s.crash(name))
		}
	}
	s.trigger()
	s.script("down")
	t.Log(s.batchUp())
	if now := s.runs(); now != runs+2 {
		t.Errorf("after down and up Airflow knows %d runs, there were %d", now, runs+2)
	}
	if now := s.count(stored); now != rows {
		t.Errorf("after down and up there are %d rows, there were %d", now, rows)
	}
	s.unchanged(func() { t.Log("a second time: " + s.batchUp()) })
}

// batchUp is make batch; it returns the line that says how long it took.
func (s *stack) batchUp() string {
	s.t.Helper()
	took, _, _ := strings.Cut(s.script("up", "batch"), "\n")
	return took
}

// browser runs the sample from Airflow's form in a Chromium, and follows the links to its rows and its trace.
func (s *stack) browser() {
	s.t.Helper()
	run := s.command("../../dags/tests/browser/run", "batch")
	run.Env = append(run.Env, "AIRFLOW_URL=http://127.0.0.1:"+s.ports["AIRFLOW"],
		"AIRFLOW_PASSWORD="+s.secret("airflow_admin"), "UI_TOKEN="+s.secret("ui_token"),
		"BROWSER_FILE=s3://inputs/transactions.csv", testtool.Require+"=1")
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, _ = filepath.Abs(pictures)
		run.Env = append(run.Env, "SCREENSHOTS="+pictures)
	}
	if said, err := run.CombinedOutput(); err != nil {
		s.t.Fatalf("the browser: %v\n%s", err, said)
	}
}

// runs counts the runs of the DAG that Airflow knows.
func (s *stack) runs() int {
	s.t.Helper()
	login := strings.NewReader(fmt.Sprintf(`{"username": "admin", "password": %q}`, s.secret("airflow_admin")))
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+s.ports["AIRFLOW"]+"/auth/token", login)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	status, text, err := answer(request)
	var token struct {
		Token string `json:"access_token"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &token)
	}
	if err != nil || token.Token == "" {
		s.t.Fatalf("Airflow's login: %d %v", status, err)
	}
	var found struct {
		Total int `json:"total_entries"`
	}
	said, ok := s.get("AIRFLOW", "/api/v2/dags/transactions_batch/dagRuns", "", token.Token)
	if !ok || json.Unmarshal([]byte(said), &found) != nil {
		s.t.Fatalf("Airflow's runs: %s", said)
	}
	return found.Total
}
