package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// engineVersion is the version of the npm packages that carry the engine. A later one is tested before it is taken: the
// PyPI build of the same engine, for one, can not create a Kafka table.
const engineVersion = "26.7.3-stable.1"

// enginePackage is the npm package for a platform, with the integrity that npm gives for it.
type enginePackage struct {
	name      string
	integrity string // "" where none is known: then the package is refused, or compared with the registry's own
}

var enginePackages = map[string]enginePackage{
	"linux/amd64": {"@chdb/lib-linux-x64-gnu",
		"sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="},
	"linux/arm64":  {"@chdb/lib-linux-arm64-gnu", ""},
	"darwin/amd64": {"@chdb/lib-darwin-x64", ""},
	"darwin/arm64": {"@chdb/lib-darwin-arm64", ""},
}

// libraryName is the file in the package.
const libraryName = "libchdb.so"

// FindEngine returns the path of the engine's library. The error, with exit code 69, says that it is not there; the
// path is then where EnsureEngine puts it. TXFLOW_ENGINE_LIB names a library by itself, TXFLOW_ENGINE_DIR another cache
// than the user's.
func FindEngine() (string, error) {
	lib := os.Getenv("TXFLOW_ENGINE_LIB")
	if lib == "" {
		dir := os.Getenv("TXFLOW_ENGINE_DIR")
		if dir == "" {
			cache, err := os.UserCacheDir()
			if err != nil {
				return "", fault.WithHint(fault.Fail(fault.ExitUnavailable, err),
					"name a folder for the ClickHouse engine in TXFLOW_ENGINE_DIR")
			}
			dir = filepath.Join(cache, "txflow")
		}
		lib = filepath.Join(dir, "engine-"+engineVersion, libraryName)
	}
	if _, err := os.Stat(lib); err != nil {
		return lib, fault.Failf(fault.ExitUnavailable, "the ClickHouse engine is not there: %w", err)
	}
	return lib, nil
}

// EnsureEngine returns the path of the engine's library, and fetches it first where it is not there: about 180 MB by
// npm, once. It writes progress to w.
func EnsureEngine(ctx context.Context, w io.Writer) (string, error) {
	lib, err := FindEngine()
	if err == nil || lib == "" || os.Getenv("TXFLOW_ENGINE_LIB") != "" {
		return lib, err
	}
	if err := os.MkdirAll(filepath.Dir(lib), 0o755); err != nil {
		return "", fault.Fail(fault.ExitUnavailable, err)
	}
	// Of several processes one fetches; the others wait and find it there.
	unlock, err := lockWait(ctx, filepath.Dir(lib)+"/fetch.lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(lib); err == nil {
		return lib, nil
	}
	if err := fetchEngine(ctx, lib, w); err != nil {
		return "", fault.WithHint(fault.Fail(fault.ExitUnavailable, fmt.Errorf("fetch the ClickHouse engine: %w", err)),
			"it comes from npm; try again, or name a library that you have in TXFLOW_ENGINE_LIB")
	}
	return lib, nil
}

// unpinned is the variable that accepts an engine by the registry's own checksum.
const unpinned = "TXFLOW_ENGINE_UNPINNED"

// packageFor returns the package for a platform, GOOS/GOARCH. One without a known checksum is refused, unless any is
// accepted.
func packageFor(platform string, accepted bool) (enginePackage, error) {
	pkg, ok := enginePackages[platform]
	switch {
	case !ok:
		return pkg, fmt.Errorf("there is none for %s", platform)
	case pkg.integrity == "" && !accepted:
		return pkg, fmt.Errorf("txflow does not know the checksum of the engine for %s: set %s=1 to trust the registry's own",
			platform, unpinned)
	}
	return pkg, nil
}

func fetchEngine(ctx context.Context, lib string, w io.Writer) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	pkg, err := packageFor(platform, os.Getenv(unpinned) == "1")
	if err != nil {
		return err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not installed; it comes with Node.js")
	}
	temp, err := os.MkdirTemp(filepath.Dir(lib), ".fetch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	spec := pkg.name + "@" + engineVersion
	integrity := pkg.integrity
	if integrity == "" {
		out, err := exec.CommandContext(ctx, npm, "view", spec, "dist.integrity").Output()
		if err != nil {
			return fmt.Errorf("npm view %s: %w", spec, err)
		}
		integrity = strings.TrimSpace(string(out))
		_, _ = fmt.Fprintf(w, "warning: the checksum for %s is not pinned in txflow: comparing with the registry's own, %s\n",
			platform, integrity)
	}
	_, _ = fmt.Fprintf(w, "fetching the ClickHouse engine %s for %s (about 180 MB, once)\n", engineVersion, platform)
	if err := pack(ctx, npm, spec, temp, w); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(temp, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives", len(archives))
	}
	if err := verify(archives[0], integrity); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, "unpacking")
	unpacked := filepath.Join(temp, libraryName)
	if err := unpack(archives[0], unpacked); err != nil {
		return fmt.Errorf("unpack %s: %w", spec, err)
	}
	return os.Rename(unpacked, lib)
}

// pack runs npm, with the user's own configuration, and writes how long it takes: npm itself is silent without a
// terminal.
func pack(ctx context.Context, npm, spec, dir string, w io.Writer) error {
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", spec, "--pack-destination", dir)
	cmd.Dir = dir
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("npm pack %s: %w\n%s", spec, err, strings.TrimSpace(out.String()))
			}
			return nil
		case <-tick.C:
			_, _ = fmt.Fprintf(w, "  downloading, %s\n", time.Since(started).Round(time.Second))
		}
	}
}

// verify compares a file with an integrity string, "sha512-" and base64.
func verify(path, integrity string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != integrity {
		return fmt.Errorf("the archive's checksum is %s instead of %s: it is not used", got, integrity)
	}
	return nil
}

// unpack writes the library out of the archive and makes it durable before it gets its name.
func unpack(archive, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		entry, err := r.Next()
		if err != nil {
			return fmt.Errorf("no %s in it: %w", libraryName, err)
		}
		if filepath.Base(entry.Name) != libraryName {
			continue
		}
		out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, r)
		return errors.Join(err, out.Sync(), out.Close())
	}
}
