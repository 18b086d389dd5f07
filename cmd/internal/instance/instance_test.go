package instance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process that holds a name until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOLD"); dir != "" {
		name, _, err := Hold(dir, "member")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "held"), []byte(name), 0o600)
		}
		if err != nil {
			os.Exit(1)
		}
		time.Sleep(time.Minute) // it is killed before
	}
	os.Exit(m.Run())
}

func TestHold(t *testing.T) {
	dir := t.TempDir()
	hold := func(want string) (release func()) {
		t.Helper()
		name, release, err := Hold(dir, "member")
		if err != nil || name != want {
			t.Fatalf("held %q, want %q: %v", name, want, err)
		}
		return release
	}
	first, second := hold("member-1"), hold("member-2")
	first()
	first = hold("member-1")
	first()
	second()
	if _, _, err := Hold(filepath.Join(dir, "missing"), "member"); err == nil {
		t.Error("a folder that is missing is none")
	}
}

// Whoever is killed frees its name.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "HOLD="+dir)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		if held, _ := os.ReadFile(filepath.Join(dir, "held")); strings.HasPrefix(string(held), "member-1") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other process holds nothing")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if name, release, err := Hold(dir, "member"); err != nil || name != "member-2" {
		t.Errorf("%q %v", name, err)
	} else {
		release()
	}
	_ = process.Process.Kill()
	_ = process.Wait() // it says that it was killed
	if name, _, err := Hold(dir, "member"); err != nil || name != "member-1" {
		t.Errorf("%q %v", name, err)
	}
}
