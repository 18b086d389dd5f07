package harness

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/ml_api/server"
)

// MLAPI is the real ML API, with what a test puts before it.
type MLAPI struct {
	*httptest.Server
	Asked atomic.Int64 // transactions that reached the API
	Harm  atomic.Pointer[func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)]
}

// StartMLAPI serves the ML API until the end of the test.
func StartMLAPI(t *testing.T) *MLAPI {
	t.Helper()
	honest, err := server.New(server.Config{})
	Must(t, err)
	api := &MLAPI{}
	api.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller was killed
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.URL.Path != "/predict" {
			honest.ServeHTTP(w, r)
			return
		}
		api.Asked.Add(int64(bytes.Count(body, []byte(`"operation_type"`))))
		if harm := api.Harm.Load(); harm != nil {
			(*harm)(w, r, body, honest)
			return
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	return api
}

// HarmWith puts f before /predict.
func (a *MLAPI) HarmWith(f func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)) {
	a.Harm.Store(&f)
}

// Slow makes every call take so long.
func (a *MLAPI) Slow(by time.Duration) {
	a.HarmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
		<-time.After(by)
		honest.ServeHTTP(w, r)
	})
}

// Workbench is a database, an ML API and a folder, for one test.
type Workbench struct {
	Place
	API        *MLAPI
	ClickHouse string // with the database
}

var databases atomic.Int64

// NewWorkbench makes a database of its own on a ClickHouse.
func NewWorkbench(t *testing.T, clickhouse string) *Workbench {
	t.Helper()
	w := &Workbench{API: StartMLAPI(t)}
	w.ClickHouse = fmt.Sprintf("%s/?database=bench_%d", clickhouse, databases.Add(1))
	w.Place = Place{t, t.TempDir(), []string{"CLICKHOUSE_URL=" + w.ClickHouse, "ML_API_URL=" + w.API.URL,
		"TXFLOW_SEGMENT_ROWS=500",
		"TXFLOW_BATCH_ROWS=250", "TXFLOW_MIN_ROWS=1000", "TXFLOW_CONCURRENCY=2", "TXFLOW_SOURCE=bank",
		"TXFLOW_MAX_REJECT_RATIO=0.5"}}
	w.OK("migrate")
	return w
}

// SQL is what ClickHouse answers, as TSV.
func (w *Workbench) SQL(format string, args ...any) string {
	w.T.Helper()
	return strings.TrimSpace(embeddedtest.Exec(w.T, w.ClickHouse, fmt.Sprintf(format, args...)))
}

// Stored describes all that is stored for a run, but for the times and the run's name.
func (w *Workbench) Stored(runID string) string {
	w.T.Helper()
	return w.SQL(`SELECT (SELECT (count(), sum(amount), groupBitXor(cityHash64(id, source_id, description, amount,
timestamp, merchant, operation_type, side, category, position)))
FROM transactions FINAL), (SELECT groupArray((outcome, n, digest)) FROM (SELECT outcome, count() AS n,
groupBitXor(cityHash64(position, id, content_hash, category, code)) AS digest
FROM outcomes FINAL WHERE run_id = '%s' GROUP BY outcome ORDER BY outcome)),
(SELECT (count(), groupBitXor(cityHash64(position, code, raw))) FROM dead_letters FINAL WHERE state = 'open')`, runID)
}

// Recorded counts the rows whose answers are recorded in a run's folder.
func (w *Workbench) Recorded(runID string) (rows int64) {
	w.T.Helper()
	files, err := filepath.Glob(filepath.Join(w.Dir, "out", runID, "parts", "*", "[0-9a-f]*.json"))
	Must(w.T, err)
	for _, f := range files {
		content, err := os.ReadFile(f)
		Must(w.T, err)
		part, err := batch.ParsePart(content)
		Must(w.T, err)
		rows += int64(len(part.Categories))
	}
	return rows
}

// Exists reports whether a file below the folder matches.
func (w *Workbench) Exists(pattern string) func() bool {
	return func() bool {
		files, err := filepath.Glob(filepath.Join(w.Dir, pattern))
		return err == nil && len(files) > 0
	}
}

// Sample writes a file of rows, one in twenty of them odd, and returns its path.
func Sample(t *testing.T, rows int) string {
	t.Helper()
	p := Place{T: t, Dir: t.TempDir()}
	p.OK("data", "generate", "--rows", fmt.Sprint(rows), "--dirty", "--ratio", "0.05", "--out", "in.csv")
	return filepath.Join(p.Dir, "in.csv")
}

// Gold is what every gold view says, the view's name in each line.
func (w *Workbench) Gold() (text string) {
	w.T.Helper()
	w.SQL("SYSTEM REFRESH VIEW category_entries_refresh")
	w.SQL("SYSTEM WAIT VIEW category_entries_refresh")
	for _, view := range []string{"category_totals", "category_monthly", "merchant_totals", "side_totals",
		"category_daily"} {
		text += w.SQL("SELECT '%s', * FROM %s ORDER BY ALL", view, view) + "\n"
	}
	return text
}
