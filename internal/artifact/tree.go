package artifact

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/txflow/txflow/internal/fault"

	"gocloud.dev/blob"

	"github.com/txflow/txflow/internal/batch"
)

// Tree returns everything below a folder, however deep, by canonical URL. A folder that is not there is empty.
func (s *Store) Tree(ctx context.Context, folder string) ([]batch.Object, error) {
	at, err := parse(folder)
	if err != nil {
		return nil, err
	}
	if at.local() {
		return treeLocal(ctx, at)
	}
	return s.treeObjects(ctx, at)
}

func treeLocal(ctx context.Context, at location) ([]batch.Object, error) {
	var found []batch.Object
	err := filepath.WalkDir(at.path, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while the folder was read
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		u, err := Canonical(path)
		if err != nil {
			return err
		}
		found = append(found, batch.Object{URL: u, Bytes: info.Size(), Modified: info.ModTime()})
		return ctx.Err()
	})
	return found, fail(at, "list", err)
}

func (s *Store) treeObjects(ctx context.Context, at location) ([]batch.Object, error) {
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return nil, fault.Failf(fault.ExitUsage, "%s: %w", at, err)
	}
	var found []batch.Object
	list := bucket.List(&blob.ListOptions{Prefix: strings.TrimRight(at.key, "/") + "/"})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fail(at, "list", err)
		}
		u.Path, u.RawPath = "/"+object.Key, ""
		canonical, err := Canonical(u.String())
		if err != nil {
			return nil, err
		}
		found = append(found, batch.Object{URL: canonical, Bytes: object.Size, Modified: object.ModTime})
	}
}

// Remove deletes an object below a folder, and of local folders those up to and including folder that are empty then.
// One that is gone already is no error.
func (s *Store) Remove(ctx context.Context, folder, url string) error {
	at, err := parse(url)
	if err != nil {
		return err
	}
	if !at.local() {
		bucket, err := s.bucket(at)
		if err != nil {
			return err
		}
		if err := fail(at, "remove", bucket.Delete(ctx, at.key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if folder, err = Canonical(folder); err != nil {
		return err
	}
	root, err := parse(folder)
	if err != nil {
		return err
	}
	if err := os.Remove(at.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(at, "remove", err)
	}
	for dir := filepath.Dir(at.path); dir == root.path ||
		strings.HasPrefix(dir, root.path+string(filepath.Separator)); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil { // it holds something still
			break
		}
	}
	return nil
}
