package mavenfiles

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck wants the pinned files, with their checksums, and no others.
func TestCheck(t *testing.T) {
	t.Parallel()
	line := func(name, content string) string {
		return fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), name)
	}
	for name, test := range map[string]struct {
		sums string
		want string // in the error; "" for none
	}{
		"all":     {line("a.jar", "a") + line("b.jar", "b"), ""},
		"another": {line("a.jar", "a") + line("b.jar", "c"), "b.jar has SHA-256"},
		"more":    {line("a.jar", "a"), "b.jar has SHA-256"},
		"fewer":   {line("a.jar", "a") + line("b.jar", "b") + line("c.jar", "c"), "c.jar did not come"},
	} {
		dir := t.TempDir()
		for _, file := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(dir, file+".jar"), []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := check(dir, test.sums)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
