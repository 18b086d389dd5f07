package instance

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A process that holds a name until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOLD"); dir != "" {
		name, _, err := Hold(dir, "member")
		if err != nil {
			os.Exit(1)
		}
		fmt.Println(name)
		_, _ = io.Copy(io.Discard, os.Stdin) // it is killed before that ends
		os.Exit(0)
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
	stdin, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }() // open until then, so that the process goes on
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	if held, err := bufio.NewReader(stdout).ReadString('\n'); held != "member-1\n" {
		t.Fatalf("the other process holds %q: %v", held, err)
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
