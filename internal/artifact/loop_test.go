package artifact

import (
	"os"
	"path/filepath"
	"testing"
)

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
