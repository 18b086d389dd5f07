package main

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

// mlAPI is the real ML API behind a door that can do harm.
type mlAPI struct {
	*httptest.Server
	asked atomic.Int64 // transactions that reached the API
	harm  atomic.Pointer[func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)]
}

func startMLServer(t *testing.T) *mlAPI {
	t.Helper()
	honest, err := server.New(server.Config{})
	must(t, err)
	api := &mlAPI{}
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
		api.asked.Add(int64(bytes.Count(body, []byte(`"operation_type"`))))
		if harm := api.harm.Load(); harm != nil {
			(*harm)(w, r, body, honest)
			return
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	return api
}

func (a *mlAPI) harmWith(f func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler)) {
	a.harm.Store(&f)
}

// slow makes every call take so long.
func (a *mlAPI) slow(by time.Duration) {
	a.harmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
		<-time.After(by)
		honest.ServeHTTP(w, r)
	})
}

// workbench is a database, an ML API and a folder, for one test.
type workbench struct {
	place
	api        *mlAPI
	clickhouse string // with the database
}

var databases atomic.Int64

func newWorkbench(t *testing.T, clickhouse string) *workbench {
	t.Helper()
	w := &workbench{api: startMLServer(t)}
	w.clickhouse = fmt.Sprintf("%s/?database=bench_%d", clickhouse, databases.Add(1))
	w.place = place{t, t.TempDir(), []string{"CLICKHOUSE_URL=" + w.clickhouse, "ML_API_URL=" + w.api.URL,
		"TXFLOW_SEGMENT_ROWS=500",
		"TXFLOW_BATCH_ROWS=250", "TXFLOW_MIN_ROWS=1000", "TXFLOW_CONCURRENCY=2", "TXFLOW_SOURCE=bank",
		"TXFLOW_MAX_REJECT_RATIO=0.5"}}
	w.ok("migrate")
	return w
}

func (w *workbench) sql(format string, args ...any) string {
	w.t.Helper()
	return strings.TrimSpace(embeddedtest.Exec(w.t, w.clickhouse, fmt.Sprintf(format, args...)))
}

// stored describes all that is stored for a run, but for the times and the run's name.
func (w *workbench) stored(runID string) string {
	w.t.Helper()
	return w.sql(`SELECT (SELECT (count(), sum(amount), groupBitXor(cityHash64(id, source_id, description, amount, timestamp, merchant, operation_type, side, category, position)))
FROM transactions FINAL), (SELECT groupArray((outcome, n, digest)) FROM (SELECT outcome, count() AS n, groupBitXor(cityHash64(position, id, content_hash, category, code)) AS digest
FROM outcomes FINAL WHERE run_id = '%s' GROUP BY outcome ORDER BY outcome)),
(SELECT (count(), groupBitXor(cityHash64(position, code, raw))) FROM dead_letters FINAL WHERE state = 'open')`, runID)
}

// recorded counts the rows whose answers are recorded in a run's folder.
func (w *workbench) recorded(runID string) (rows int64) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "out", runID, "parts", "*", "[0-9a-f]*.json"))
	must(w.t, err)
	for _, f := range files {
		content, err := os.ReadFile(f)
		must(w.t, err)
		part, err := batch.ParsePart(content)
		must(w.t, err)
		rows += int64(len(part.Categories))
	}
	return rows
}

func (w *workbench) exists(pattern string) func() bool {
	return func() bool {
		files, err := filepath.Glob(filepath.Join(w.dir, pattern))
		return err == nil && len(files) > 0
	}
}

// sample writes a file of rows, one in twenty of them odd, and returns its path.
func sample(t *testing.T, rows int) string {
	t.Helper()
	p := place{t: t, dir: t.TempDir()}
	p.ok("data", "generate", "--rows", fmt.Sprint(rows), "--dirty", "--ratio", "0.05", "--out", "in.csv")
	return filepath.Join(p.dir, "in.csv")
}
