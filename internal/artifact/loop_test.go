package artifact

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A link that leads to itself keeps a look at the folder from no other file.
func TestListLeavesOutALinkToItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "good.csv"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop.csv", filepath.Join(dir, "loop.csv")); err != nil {
		t.Fatal(err)
	}
	found, err := New(t.Context()).List(t.Context(), filepath.Join(dir, "*.csv"))
	if err != nil || len(found) != 1 || filepath.Base(found[0].URL) != "good.csv" {
		t.Errorf("%v, %v", found, err)
	}
}

// What a link leads to is known by where it lies, however it is named: through a file, a folder, or another link.
func TestListTellsWhatLiesOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := t.TempDir()
	noError(t, os.MkdirAll(filepath.Join(dir, "in", "sub"), 0o700))
	for _, path := range []string{filepath.Join(outside, "secret.csv"), filepath.Join(dir, "secret.csv"),
		filepath.Join(dir, "in", "a.csv"), filepath.Join(dir, "in", "sub", "b.csv")} {
		noError(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	for name, to := range map[string]string{"in/out.csv": filepath.Join(outside, "secret.csv"),
		"in/up.csv": "../secret.csv", "in/inner.csv": "sub/b.csv",
		"in/twice.csv": "out.csv", "in/folder": outside, "also-in": "in", "in/gone.csv": "nothing",
		"in/loop.csv": "loop.csv"} {
		noError(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	inside := map[string]bool{"a.csv": true, "inner.csv": true, "out.csv": false, "up.csv": false, "twice.csv": false}
	for pattern, want := range map[string]map[string]bool{
		"in/*.csv":       inside,
		"also-in/*.csv":  inside, // the folder itself may be a link
		"in/*/*.csv":     {"b.csv": true, "secret.csv": false},
		"in/folder/*":    {"secret.csv": true}, // the folder that was named
		"in/out.csv":     {"out.csv": false},
		"*/sub/*.csv":    {"b.csv": true},
		"in/[a-b].csv":   {"a.csv": true},
		"in/nothing.csv": nil,
	} {
		found, err := New(t.Context()).List(t.Context(), filepath.Join(dir, pattern))
		if want == nil {
			if fault.ExitCode(err) != fault.ExitData {
				t.Errorf("%s: %v", pattern, err)
			}
			continue
		}
		noError(t, err)
		got := map[string]bool{}
		for _, o := range found {
			got[filepath.Base(o.URL)] = !o.Outside
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: inside are %v, want %v", pattern, got, want)
		}
	}
}

// A path that is a link to itself is no matter of waiting: exit code 65, whatever is tried with it.
func TestALinkToItselfIsNotRetried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop.csv")
	noError(t, os.Symlink("loop.csv", loop))
	store := New(t.Context())
	_, opened := store.OpenSource(t.Context(), loop)
	_, listed := store.List(t.Context(), loop)
	_, below := store.List(t.Context(), filepath.Join(loop, "*.csv"))
	_, there := store.Exists(t.Context(), filepath.Join(loop, "x.csv"))
	for what, err := range map[string]error{"open": opened, "list": listed, "list below it": below, "look for": there} {
		if fault.ExitCode(err) != fault.ExitData || !strings.Contains(fault.Hint(err), "link") {
			t.Errorf("%s: exit %d, %v, next: %s", what, fault.ExitCode(err), err, fault.Hint(err))
		}
	}
}
