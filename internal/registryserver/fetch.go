package registryserver

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed" // the version is a file that other tools read too
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

//go:embed tar.sha256
var sum string

// ErrNoToolchain says that Java or Maven is missing, or that the registry can not be had here.
var ErrNoToolchain = errors.New("no real Schema Registry here")

// Fetch returns the registry's folder, in the user's cache. The first time Maven brings its archive (158 MB), which
// must have the SHA-256 of tar.sha256.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", fmt.Errorf("%w: %w; install Maven", ErrNoToolchain, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	want, name, _ := strings.Cut(strings.TrimSpace(sum), "  ")
	dir := filepath.Join(cache, "txflow", "registry-"+want[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".registry-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // empty, or of no use
	_, _ = fmt.Fprintln(progress, "fetching a Schema Registry, once (158 MB)")
	if err := resolve(ctx, temp); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoToolchain, err)
	}
	archive, unpacked := filepath.Join(temp, "lib", name), filepath.Join(temp, "unpacked")
	if err := check(archive, want); err != nil {
		return "", err
	}
	if err := unpack(archive, unpacked); err != nil {
		return "", fmt.Errorf("unpack %s: %w", name, err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
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
		"-DexcludeTransitive=true", "-DoutputDirectory="+filepath.Join(dir, "lib"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return nil
}

func check(archive, want string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return fmt.Errorf("%s has SHA-256 %s, not the one of tar.sha256", filepath.Base(archive), got)
	}
	return nil
}

// unpack writes an archive's folders and files, none outside of dir.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	plain, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(plain); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(entry.Name) {
			return fmt.Errorf("%s is outside of the archive's folder", entry.Name)
		}
		path := filepath.Join(dir, entry.Name)
		switch entry.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			err = writeFile(path, entries)
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", entry.Name)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from) // the archive is the one that was pinned
	return errors.Join(err, f.Close())
}
