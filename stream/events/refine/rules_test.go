package refine

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
)

// TestRulesAreReloaded takes over a file that changes, keeps the rules when it has faults or is gone, and says both
// once.
func TestRulesAreReloaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.json")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(event.DefaultRules)
	var lines bytes.Buffer
	r, err := OpenRules(path, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	later := func() string {
		now = now.Add(2 * lookEvery)
		return r.refresh(t.Context(), now).Version
	}
	first := later()
	if lines.Len() != 0 || !strings.HasPrefix(first, "1-") {
		t.Errorf("%s, logged %s", first, lines.String())
	}
	write(bytes.Replace(event.DefaultRules, []byte(`"version": "1"`), []byte(`"version": "2"`), 1))
	if got := r.refresh(t.Context(), now).Version; got != first {
		t.Error("the file is looked at too often")
	}
	second := later()
	if !strings.HasPrefix(second, "2-") || strings.Count(lines.String(), "new rules hold") != 1 {
		t.Errorf("%s, logged %s", second, lines.String())
	}
	write([]byte("{"))
	if a, b := later(), later(); a != second || b != second || strings.Count(lines.String(), "not taken over") != 1 ||
		r.refused.Load() != 1 {
		t.Errorf("with faults: logged %s", lines.String())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if a, b := later(), later(); a != second || b != second || r.refused.Load() != 2 {
		t.Errorf("without a file: logged %s", lines.String())
	}
	write(event.DefaultRules)
	if later() != first {
		t.Errorf("back again: logged %s", lines.String())
	}
	if _, err := OpenRules(filepath.Join(t.TempDir(), "none"), nil); fault.ExitCode(err) != fault.ExitUsage {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
	write([]byte("{}"))
	if _, err := OpenRules(path, nil); fault.ExitCode(err) != fault.ExitData || fault.Hint(err) == "" {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
}
