package stack

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr, RawSQL string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("../../otel/grafana/dashboards/txflow.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil || len(d.Panels) == 0 {
		t.Fatalf("the dashboard: %v, %d panels", err, len(d.Panels))
	}
	return d
}

// TestPanelsOfClickHouse runs the query of every panel that asks ClickHouse, on tables with a row each.
func TestPanelsOfClickHouse(t *testing.T) {
	t.Parallel()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	core, err := schema.Core()
	if err == nil {
		err = migrate.Up(t.Context(), db, core, func(migrate.Migration) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(url, "database=")
	base := embeddedtest.ClickHouse(t)
	for _, sql := range []string{
		"INSERT INTO " + name +
			".transactions (id, amount, timestamp, side, category) SELECT generateUUIDv4(), -1.5, now(), 'debit', 'Food'",
		"INSERT INTO " + name +
			".dead_letters (origin, position, code, outcome, state, first_seen) SELECT 'transactions.raw', 1, " +
			"'message_format', 'rejected', 'open', now()",
		"INSERT INTO " + name +
			".runs (run_id, pipeline, status, started_at, finished_at) SELECT 'r', 'batch', 'failed', now(), now()",
	} {
		embeddedtest.Exec(t, base, sql)
	}
	asked := 0
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			if q.RawSQL == "" {
				continue
			}
			asked++
			sql := regexp.MustCompile(`(FROM|JOIN) (\w+)`).ReplaceAllString(q.RawSQL, "$1 "+name+".$2")
			if rows := embeddedtest.Exec(t, base, sql); strings.TrimSpace(rows) == "" {
				t.Errorf("the panel %q shows nothing: %s", p.Title, sql)
			}
		}
	}
	if asked < 5 {
		t.Errorf("%d panels ask ClickHouse", asked)
	}
}

var metric = regexp.MustCompile(`txflow_[a-z_]+`)

// TestPanelsAndRulesKnowTheirMetrics: a name that no program exports would be an empty panel, or an alert that never
// comes. TestRules has Prometheus' engine run each of them, and make e2e a Prometheus with real metrics.
func TestPanelsAndRulesKnowTheirMetrics(t *testing.T) {
	t.Parallel()
	var exported strings.Builder
	for _, root := range []string{"../../stream", "../../ml_api/server", "../../internal/ui"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			exported.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	asked := map[string]string{}
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			asked[q.Expr] = p.Title
		}
	}
	runbook, err := os.ReadFile("../../docs/guides/production.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readRules(t) {
		asked[r.Expr] = r.Alert
		if !strings.Contains(string(runbook), "**"+r.Alert+"** – ") || r.Annotations["summary"] == "" {
			t.Errorf("nothing says what to do about %s", r.Alert)
		}
	}
	for expr, of := range asked {
		for _, name := range metric.FindAllString(expr, -1) {
			bare := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if !strings.Contains(exported.String(), `"`+bare+`"`) {
				t.Errorf("%s asks for %s, which nothing exports", of, name)
			}
		}
	}
}
