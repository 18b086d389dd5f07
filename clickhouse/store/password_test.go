package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/txflow/txflow/internal/fault"
)

// The password may be in a file, as containers have their secrets.
func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(" from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLICKHOUSE_PASSWORD_FILE", file)
	for address, want := range map[string]string{"http://h:8123": " from a file", "http://u:own@h:8123": "own"} {
		if opt, err := options(address); err != nil || opt.Auth.Password != want {
			t.Errorf("%s: %v, %v", address, opt, err)
		}
	}
	t.Setenv("CLICKHOUSE_PASSWORD", "given")
	if opt, err := options("http://h:8123"); err != nil || opt.Auth.Password != "given" {
		t.Errorf("%v, %v", opt, err)
	}
	t.Setenv("CLICKHOUSE_PASSWORD", "")
	t.Setenv("CLICKHOUSE_PASSWORD_FILE", file+".gone")
	if _, err := options("http://h:8123"); fault.ExitCode(err) != fault.ExitUsage {
		t.Error("a password file that is missing:", err)
	}
}
