package artifact

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/txflow/txflow/internal/batch"
)

// tempPrefix begins the name of a file that is being written; what a killed process leaves behind is known by it.
const tempPrefix = ".tmp-"

// localWriter writes into a temp file beside the target and renames it. Not gocloud's fileblob: that neither syncs nor
// goes without sidecar files.
type localWriter struct {
	digest
	at     location
	target string
	file   *os.File // nil once committed or aborted
}

func (s *Store) createLocal(at location) (batch.ArtifactWriter, error) {
	target, err := writableTarget(at.path)
	if err != nil {
		return nil, fail(at, "write", err)
	}
	folder := filepath.Dir(target)
	if err := makeFolder(folder); err != nil {
		return nil, fail(at, "write", err)
	}
	s.sweep(folder)
	name := filepath.Join(folder, tempPrefix+rand.Text()[:10]+"-"+shorten(filepath.Base(target)))
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // artifacts hold personal data
	if err != nil {
		return nil, fail(at, "write", err)
	}
	w := &localWriter{at: at, target: target, file: file}
	w.start(file)
	return w, nil
}

// Write takes bytes into the buffer; errors of the disk may come with a later call.
func (w *localWriter) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, errClosed(w.at)
	}
	n, err := w.digest.Write(p)
	return n, fail(w.at, "write", err)
}

// Commit syncs the file, renames it and syncs the folder. A folder that can not be synced fails the commit although
// readers may see the object: it is not known to be durable.
func (w *localWriter) Commit(ctx context.Context) (batch.Artifact, error) {
	if w.file == nil {
		return batch.Artifact{}, errClosed(w.at)
	}
	defer w.Abort()
	err := w.finish(ctx)
	if err == nil {
		err = os.Rename(w.file.Name(), w.target)
	}
	if err == nil {
		w.file = nil // there is no temp file any more
		err = syncFolder(filepath.Dir(w.target))
	}
	if err != nil {
		return batch.Artifact{}, fail(w.at, "write", err)
	}
	return w.artifact(w.at), nil
}

// CommitNew is Commit by a hard link, which the file system refuses when the name is taken.
func (w *localWriter) CommitNew(ctx context.Context) (batch.Artifact, bool, error) {
	if w.file == nil {
		return batch.Artifact{}, false, errClosed(w.at)
	}
	defer w.Abort()
	err := w.finish(ctx)
	if err == nil {
		err = os.Link(w.file.Name(), w.target)
	}
	taken := errors.Is(err, fs.ErrExist)
	if err == nil || taken { // the other one's name must be as durable as ours before anyone builds on it
		err = syncFolder(filepath.Dir(w.target))
	}
	if err != nil || taken {
		return batch.Artifact{}, false, fail(w.at, "write", err)
	}
	return w.artifact(w.at), true, nil
}

// finish makes the temp file durable.
func (w *localWriter) finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	return w.file.Close()
}

// Abort removes the temp file.
func (w *localWriter) Abort() {
	if w.file == nil {
		return
	}
	_ = w.file.Close() // nothing of it is kept
	_ = os.Remove(w.file.Name())
	w.file = nil
}

// writableTarget follows a symbolic link and refuses what a rename would destroy: folders and devices.
func writableTarget(path string) (string, error) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "", syscall.EISDIR
	case !info.Mode().IsRegular():
		return "", errNotRegular
	}
	return path, nil
}

// makeFolder makes a folder and those above it, and syncs the parents of what it made.
func makeFolder(folder string) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err // a file in its place is found out by the next step
	}
	parent := filepath.Dir(folder)
	if err := makeFolder(parent); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only synced
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err // some network file systems can not sync folders, and say so
	}
	return nil
}

func openLocal(at location, offset int64) (io.ReadCloser, error) {
	file, err := os.Open(at.path)
	if err != nil {
		return nil, fail(at, "read", err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		_ = file.Close()
		return nil, fail(at, "read", syscall.EISDIR)
	}
	if offset > 0 {
		if _, err := file.Seek(offset, io.SeekStart); err != nil {
			_ = file.Close()
			return nil, fail(at, "read", err)
		}
	}
	return &localReader{at, file}, nil
}

type localReader struct {
	at   location
	file *os.File
}

// Read names the artifact in errors.
func (r *localReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fail(r.at, "read", err)
	}
	return n, err
}

// Close closes the file.
func (r *localReader) Close() error { return r.file.Close() }

func existsLocal(at location) (bool, error) {
	_, err := os.Stat(at.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, fail(at, "look for", err)
}

// shorten leaves room for the prefix in names near the file system's limit.
func shorten(name string) string { return strings.ToValidUTF8(name[:min(len(name), 100)], "") }
