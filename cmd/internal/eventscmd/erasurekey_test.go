package eventscmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

// TestTheErasureKeyIsMadeOnce, for its owner alone, and not where persons are forgotten by another one.
func TestTheErasureKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "erasure.key")
	if _, made, err := erasureKey(file, true); made || fault.ExitCode(err) != fault.ExitUnavailable {
		t.Errorf("somebody is forgotten, and a key is made: %t, %v", made, err)
	}
	key, made, err := erasureKey(file, false)
	if err != nil || !made {
		t.Fatalf("no key is made: %v", err)
	}
	for _, anybody := range []bool{true, false} {
		if again, made, err := erasureKey(file, anybody); err != nil || made || again != key {
			t.Errorf("the key is another one: %t, %v", made, err)
		}
	}
	found, err := os.Stat(file)
	if err != nil || found.Mode().Perm() != 0o600 {
		t.Errorf("others may read the key: %v, %v", found.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, made, err := erasureKey(file, false); made || fault.ExitCode(err) != fault.ExitUnavailable {
		t.Errorf("a damaged key is replaced: %t, %v", made, err)
	}
}
