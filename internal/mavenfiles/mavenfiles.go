// Package mavenfiles brings files that Maven has into the user's cache, for servers that tests run. Each must have the
// checksum that this repository holds.
package mavenfiles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrUnavailable says that Maven is missing or could not bring the files.
var ErrUnavailable = errors.New("no files from Maven")

// Files are the dependencies that a pom.xml names.
type Files struct {
	Name   string // of the folder in the user's cache, below txflow; another one for other files
	POM    []byte
	Sums   string   // a file a line as sha256sum prints it: SHA-256, two spaces, name
	Args   []string // of mvn, besides those that copy dependencies
	Notice string   // printed before they are fetched
	// Unpack makes the folder that is kept out of that of the files. Nil keeps the files themselves.
	Unpack func(files string) (folder string, err error)
}

// Fetch returns the folder, which it fills the first time. Of several processes each may fetch; the first one's is
// kept. Errors of Maven are ErrUnavailable; a wrong checksum is not.
func (f *Files) Fetch(ctx context.Context, progress io.Writer) (string, error) {
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", fmt.Errorf("%w: %w; install Maven", ErrUnavailable, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "txflow", f.Name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".maven-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // empty, or of no use
	_, _ = fmt.Fprintln(progress, f.Notice)
	folder := filepath.Join(temp, "files")
	if err := f.resolve(ctx, filepath.Join(temp, "pom.xml"), folder); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := check(folder, f.Sums); err != nil {
		return "", err
	}
	if f.Unpack != nil {
		if folder, err = f.Unpack(folder); err != nil {
			return "", err
		}
	}
	if err := os.Rename(folder, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return dir, nil // another process was quicker
		}
		return "", err
	}
	return dir, nil
}

func (f *Files) resolve(ctx context.Context, pom, folder string) error {
	if err := os.WriteFile(pom, f.POM, 0o644); err != nil {
		return err
	}
	args := append([]string{"-B", "-q", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory=" + folder},
		f.Args...)
	if out, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return nil
}

// check wants the files of sums in a folder, and no others.
func check(folder, sums string) error {
	want := map[string]string{}
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		want[name] = sum
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, file := range files {
		got, err := sumOf(filepath.Join(folder, file.Name()))
		if err != nil {
			return err
		}
		if want[file.Name()] != got {
			return fmt.Errorf("%s has SHA-256 %s, not the pinned one (%q)", file.Name(), got, want[file.Name()])
		}
		delete(want, file.Name())
	}
	for name := range want {
		return fmt.Errorf("%s did not come", name)
	}
	return nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it is only read
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), err
}
