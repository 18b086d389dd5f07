package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	none, err := NewTokens("", "")
	if err != nil || none != nil || !none.Match("anything") || none.First().Reveal() != "" {
		t.Errorf("none: %v %v", none, err)
	}
	given, err := NewTokens(planted, "")
	if err != nil || !given.Match(planted) || given.Match(planted+"x") || given.Match("") ||
		given.First().Reveal() != planted {
		t.Errorf("a token: %v", err)
	}
	path := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{"": "empty", "\n\n": "empty", "a b": "visible", "a\x00": "visible",
		"é": "visible"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewTokens("", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
	if _, err := NewTokens("", path+"-none"); err == nil || !strings.Contains(err.Error(), path+"-none") {
		t.Errorf("no file: %v", err)
	}
	write := func(content string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n", time.Unix(1, 0))
	file, err := NewTokens("", path)
	if err != nil || !file.Match("old") {
		t.Fatal(err)
	}
	write("new\r\nold\n", time.Unix(2, 0))
	file.checked = time.Time{}
	if !file.Match("new") || !file.Match("old") || file.First().Reveal() != "new" || file.Match("none") {
		t.Error("two tokens are not both taken")
	}
	write("", time.Unix(3, 0))
	file.checked = time.Time{}
	if !file.Match("new") || strings.Contains(fmt.Sprintf("%v %+v %#v", file, file.all, file.all), "new") {
		t.Error("a file that can not be used leaves what was, and is not printed")
	}
}
