package initcmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

func TestVolumes(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "txflow")
	for range 2 { // it is copied at each start
		if code, said := run("volumes", "--binary="+file, other); code != fault.ExitDone {
			t.Fatalf("exit %d: %s", code, said)
		}
	}
	self, err := os.Stat(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if copied, err := os.Stat(file); err != nil || copied.Size() != self.Size() || copied.Mode().Perm() != 0o755 {
		t.Errorf("the copy: %v, %v", copied, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
	if folder, err := os.Stat(other); err != nil || folder.Mode().Perm() != 0o777 {
		t.Errorf("the volume: %v, %v", folder, err)
	}
	if code, said := run("volumes", filepath.Join(dir, "missing")); code != fault.ExitUnavailable {
		t.Errorf("a volume that is missing: exit %d: %s", code, said)
	}
}
