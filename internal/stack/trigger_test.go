package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// airflow is one that has read its DAGs after some questions, runs one, and is unavailable for one question meanwhile.
func airflow(t *testing.T, readAfter int32, state string) (port string) {
	t.Helper()
	var asked, states atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token": "secret"}`))
	})
	read := func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			http.Error(w, "{}", http.StatusUnauthorized)
		case asked.Load() < readAfter:
			http.NotFound(w, r)
		default:
			return true
		}
		return false
	}
	const dag = "/api/v2/dags/transactions_batch"
	mux.HandleFunc("GET "+dag, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_ = read(w, r)
	})
	mux.HandleFunc("POST "+dag+"/dagRuns", func(w http.ResponseWriter, r *http.Request) {
		if read(w, r) {
			_, _ = w.Write([]byte(`{"dag_run_id": "manual__2026-01-01T00:00:00+00:00"}`))
		}
	})
	mux.HandleFunc("GET "+dag+"/dagRuns/manual__2026-01-01T00:00:00+00:00", func(w http.ResponseWriter, _ *http.Request) {
		if states.Add(1) == 1 {
			http.Error(w, "unavailable", http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprintf(w, `{"state": %q}`, state)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port()
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		readAfter   int32
		state, wait string
		code        int
		says        string
	}{
		"at once":                  {0, "success", "120", 0, "runs/manual__2026-01-01T00:00:00+00:00\n"},
		"Airflow is still reading": {3, "success", "120", 0, "waiting until Airflow has read the DAGs\n"},
		"a run that fails":         {0, "failed", "120", 69, "the run failed"},
		"no such DAG":              {1000, "success", "1", 69, "could not be triggered\nnext: look at http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "airflow_admin"), []byte("password"), 0o600); err != nil {
				t.Fatal(err)
			}
			env := []string{"SECRETS=" + dir, "AIRFLOW_PORT=" + airflow(t, c.readAfter, c.state), "TRIGGER_TIMEOUT=" + c.wait}
			code, said := script(t, "cat >/dev/null", env, "trigger", "internal/stack/stack")
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit %d\n%s", code, said)
			}
		})
	}
}
