package registryserver

import (
	"os"
	"path/filepath"
	"testing"
)

// TestVersionOf reads the release file beside a java, also through a link; what is no Java has the version 0.
func TestVersionOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	java := func(name, release string) string {
		t.Helper()
		home := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(home, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(home, "bin", "java")
		files := map[string]string{path: ""}
		if release != "" {
			files[filepath.Join(home, "release")] = release
		}
		for file, text := range files {
			if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	link := filepath.Join(dir, "java")
	if err := os.Symlink(java("21", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.4\"\n"), link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{link: 21, java("8", "JAVA_VERSION=\"1.8.0_412\"\n"): 1,
		java("25", "JAVA_VERSION=\"25\"\n"): 25, java("none", ""): 0, java("odd", "JAVA_VERSION=\"ea\"\n"): 0,
		filepath.Join(dir, "missing"): 0} {
		if got := versionOf(path); got != want {
			t.Errorf("%s: version %d, want %d", path, got, want)
		}
	}
}
