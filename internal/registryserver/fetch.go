package registryserver

import (
	"archive/tar"
	"compress/gzip"
	"context"
	_ "embed" // the version is a file that other tools read too
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/txflow/txflow/internal/mavenfiles"
)

//go:embed pom.xml
var pom []byte

//go:embed tar.sha256
var sum string

// ErrNoToolchain says that Java or Maven is missing, or that the registry can not be had here.
var ErrNoToolchain = errors.New("no real Schema Registry here")

// Fetch returns the registry's folder, in the user's cache. The first time Maven brings its archive, 158 MB.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	pinned, archive, _ := strings.Cut(strings.TrimSpace(sum), "  ")
	files := mavenfiles.Files{Name: "registry-" + pinned[:12], POM: pom, Sums: sum,
		Args: []string{"-DexcludeTransitive=true"}, Notice: "fetching a Schema Registry, once (158 MB)",
		Unpack: func(files string) (string, error) {
			folder := filepath.Join(files, "unpacked")
			if err := unpack(filepath.Join(files, archive), folder); err != nil {
				return "", fmt.Errorf("unpack %s: %w", archive, err)
			}
			return folder, nil
		}}
	folder, err := files.Fetch(ctx, progress)
	if errors.Is(err, mavenfiles.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrNoToolchain, err)
	}
	return folder, err
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
