package prune_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/prune"
)

var now = time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// put writes the files of a run, all of one age. Values name a task's manifest by its status, others are content.
func put(t *testing.T, out, id string, age time.Duration, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(out, id, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if task, ok := strings.CutSuffix(name, ".json"); ok && !strings.Contains(content, "{") {
			status, code, _ := strings.Cut(content, " ")
			content = fmt.Sprintf(`{"task":%q,"status":%q,"run_id":%q,"exit_code":%s}`, task, status, id, code)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, out string, dryRun bool) (*batch.Manifest, error) {
	t.Helper()
	store := artifact.New(t.Context())
	t.Cleanup(func() { _ = store.Close() })
	env := &tasks.Env{Artifacts: store, Tracer: noop.NewTracerProvider().Tracer(""), Log: slog.New(slog.DiscardHandler),
		Try: 1}
	return prune.Run(t.Context(), env, store, prune.Config{Out: out, OlderThan: 30 * day, DryRun: dryRun, Now: now})
}

func left(t *testing.T, out string) []string {
	t.Helper()
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestOnlyFinishedAndOldRunsAreRemoved(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "o u't")
	done := map[string]string{"validate.json": "done 0", "reconcile.json": "done 0", "accepted.tsv": "x",
		"chunks/1.tsv": "y", "parts/a/b.json": "{}"}
	put(t, out, "old", 31*day, done)
	put(t, out, "young", 29*day, done)
	put(t, out, "old-but-written-to", 90*day, done)
	put(t, out, "old-but-written-to", day, map[string]string{"load-0.json": "done 0"})
	put(t, out, "refused", 31*day, map[string]string{"validate.json": "failed 65", "rejected.ndjson": "z"})
	put(t, out, "empty", 31*day, map[string]string{"validate.json": "nothing 99"})
	put(t, out, "unfinished", 400*day, map[string]string{"validate.json": "done 0", "accepted.tsv": "x"})
	put(t, out, "waits-for-disk", 400*day, map[string]string{"validate.json": "failed 75"})
	put(t, out, "found-a-gap", 400*day, map[string]string{"validate.json": "done 0", "reconcile.json": "failed 65"})
	put(t, out, "no-run", 400*day,
		map[string]string{"validate.json": `{"task":"validate","run_id":"another","status":"nothing","exit_code":99}`})
	put(t, out, "taken", 400*day, map[string]string{"1f0c": "mark"})
	put(t, out, "broken", 400*day, map[string]string{"validate.json": "{", "reconcile.json": "done 0"})
	all := left(t, out)

	want := []string{"empty", "old", "refused"}
	for _, dryRun := range []bool{true, false} {
		m, err := run(t, out, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		named := []string{}
		for _, o := range m.Outputs {
			named = append(named, o.Name)
		}
		if slices.Sort(named); !slices.Equal(named, want) {
			t.Errorf("dry run %v names %v, not %v", dryRun, named, want)
		}
		if dryRun && !slices.Equal(left(t, out), all) {
			t.Errorf("a dry run removed something: %v", left(t, out))
		}
	}
	kept := slices.DeleteFunc(all, func(name string) bool { return slices.Contains(want, name) })
	if got := left(t, out); !slices.Equal(got, kept) {
		t.Errorf("left are %v, not %v", got, kept)
	}
	if _, err := os.Stat(filepath.Join(out, "young", "parts", "a", "b.json")); err != nil {
		t.Error(err)
	}
	if _, err := run(t, out, false); fault.ExitCode(err) != fault.ExitNothing {
		t.Errorf("nothing is left to remove: %v", err)
	}
}

func TestAFolderThatIsNotThereHasNoRuns(t *testing.T) {
	t.Parallel()
	if _, err := run(t, filepath.Join(t.TempDir(), "none"), false); fault.ExitCode(err) != fault.ExitNothing {
		t.Error(err)
	}
}
