package kafkaserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the versions are files that other tools read too
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed pom.xml
var pom []byte

//go:embed jars.sha256
var sums []byte

// ErrNoToolchain says that java or mvn is missing, or that the jars can not be had here.
var ErrNoToolchain = errors.New("no real Kafka here")

// Fetch returns the folder of the broker's jars, in the user's cache. The first time Maven brings them (about
// 54 MB); each must have the SHA-256 of jars.sha256.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%w: %w; install Java 17 or newer, and Maven", ErrNoToolchain, err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	pinned := sha256.Sum256(sums)
	dir := filepath.Join(cache, "txflow", fmt.Sprintf("kafka-%x", pinned[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".kafka-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // empty, or of no use
	_, _ = fmt.Fprintln(progress, "fetching Kafka's jars, once")
	if err := resolve(ctx, temp); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoToolchain, err)
	}
	lib := filepath.Join(temp, "lib")
	if err := check(lib); err != nil {
		return "", err
	}
	if err := os.Rename(lib, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return dir, nil // another process was quicker
		}
		return "", err
	}
	return dir, nil
}

func resolve(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "mvn", "-B", "-q", "-f", file, "dependency:copy-dependencies",
		"-DoutputDirectory="+filepath.Join(dir, "lib"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return nil
}

// check compares the jars with jars.sha256: these and no others.
func check(lib string) error {
	want := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		want[name] = sum
	}
	jars, err := os.ReadDir(lib)
	if err != nil {
		return err
	}
	for _, jar := range jars {
		content, err := os.ReadFile(filepath.Join(lib, jar.Name()))
		if err != nil {
			return err
		}
		got := sha256.Sum256(content)
		if want[jar.Name()] != hex.EncodeToString(got[:]) {
			return fmt.Errorf("%s has SHA-256 %x, not the one of jars.sha256 (%q)", jar.Name(), got, want[jar.Name()])
		}
		delete(want, jar.Name())
	}
	for name := range want {
		return fmt.Errorf("%s did not come", name)
	}
	return nil
}
