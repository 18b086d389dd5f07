package artifact

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/txflow/txflow/internal/fault"

	"gocloud.dev/blob"

	"github.com/txflow/txflow/internal/batch"
)

// List returns the objects that match a pattern as Glob takes it, sorted, with their canonical URLs. What is no pattern
// is an object of that name, which must be there, as the folder of a local pattern must (else fs.ErrNotExist). Folders
// and what is no regular file are left out. A local one that a link leads to, out of the pattern's folder, is Outside.
func (s *Store) List(ctx context.Context, pattern string) (found []batch.Object, err error) {
	at, err := parse(pattern)
	switch {
	case err != nil:
	case at.local():
		found, err = listLocal(at)
	case strings.ContainsAny(at.key, `*[`):
		found, err = s.listObjects(ctx, at)
	default:
		found, err = s.statObject(ctx, at)
	}
	for i := range found {
		if found[i].URL, err = Canonical(found[i].URL); err != nil {
			return nil, err
		}
	}
	return found, err
}

func listLocal(at location) ([]batch.Object, error) {
	urls, err := globLocal(at)
	if err != nil {
		return nil, err
	}
	if folder := filepath.Dir(at.path); len(urls) == 0 && !strings.ContainsAny(folder, `*?[`) {
		if _, err := os.Stat(folder); err != nil {
			return nil, fail(at, "list", err)
		}
	}
	found := make([]batch.Object, 0, len(urls))
	inside := insideOf(at.path)
	for _, u := range urls {
		match, err := parse(u)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(match.path)
		if (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP)) && u != at.url {
			continue // it went while the folder was read, or is a link to itself, which keeps nobody from the others
		}
		if err != nil {
			return nil, fail(match, "look for", err)
		}
		if info.Mode().IsRegular() {
			found = append(found, batch.Object{URL: u, Bytes: info.Size(), Modified: info.ModTime(),
				Outside: !inside(match.path)})
		}
	}
	return found, nil
}

// insideOf returns what reports whether a file lies below the folder of a pattern, the part of it that is none, once
// all links are followed. What is not known is outside.
func insideOf(pattern string) func(path string) bool {
	folder := filepath.Dir(pattern)
	for strings.ContainsAny(folder, `*?[`) {
		if _, err := os.Lstat(folder); err == nil {
			break // it has this very name
		}
		folder = filepath.Dir(folder)
	}
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return func(string) bool { return false }
	}
	return func(path string) bool {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return false
		}
		below, err := filepath.Rel(root, real)
		return err == nil && filepath.IsLocal(below)
	}
}

func (s *Store) statObject(ctx context.Context, at location) ([]batch.Object, error) {
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	a, err := bucket.Attributes(ctx, at.key)
	if err != nil {
		return nil, fail(at, "look for", err)
	}
	return []batch.Object{{URL: at.url, Bytes: a.Size, Modified: a.ModTime}}, nil
}

// Glob returns the URLs or paths that match a pattern of path.Match ('*' stays within a folder; in URLs '?' begins the
// parameters), sorted. What is no pattern, or a file by that very name, comes back as it is, there or not. No match is
// an empty result.
func (s *Store) Glob(ctx context.Context, pattern string) ([]string, error) {
	at, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	if at.local() {
		return globLocal(at)
	}
	if !strings.ContainsAny(at.key, `*[`) {
		return []string{at.url}, nil
	}
	objects, err := s.listObjects(ctx, at)
	found := make([]string, 0, len(objects))
	for _, o := range objects {
		found = append(found, o.URL)
	}
	return found, err
}

func globLocal(at location) ([]string, error) {
	if _, err := os.Lstat(at.path); err == nil || !strings.ContainsAny(at.path, `*?[`) {
		return []string{at.url}, nil
	}
	paths, err := filepath.Glob(at.path)
	if err != nil {
		return nil, fault.Failf(fault.ExitUsage, "%s: %w", at, err)
	}
	found := make([]string, 0, len(paths))
	for _, p := range paths {
		if strings.HasPrefix(filepath.Base(p), tempPrefix) {
			continue
		}
		if isURL(at.url) {
			p = (&url.URL{Scheme: "file", Path: p}).String()
		}
		found = append(found, p)
	}
	slices.Sort(found)
	return found, nil
}

func (s *Store) listObjects(ctx context.Context, at location) ([]batch.Object, error) {
	if _, err := path.Match(at.key, ""); err != nil {
		return nil, fault.Failf(fault.ExitUsage, "%s: %w", at, err)
	}
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return nil, fault.Failf(fault.ExitUsage, "%s: %w", at, err)
	}
	fixed := at.key[:strings.IndexAny(at.key, `*[`)]
	options := &blob.ListOptions{Prefix: fixed}
	if !strings.Contains(at.key[len(fixed):], "/") {
		options.Delimiter = "/" // what is deeper can not match
	}
	found := []batch.Object{}
	list := bucket.List(options)
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.SortFunc(found, func(a, b batch.Object) int { return strings.Compare(a.URL, b.URL) })
			return found, nil
		}
		if err != nil {
			return nil, fail(at, "list", err)
		}
		if ok, err := path.Match(at.key, object.Key); err == nil && ok && !object.IsDir {
			u.Path, u.RawPath = "/"+object.Key, ""
			found = append(found, batch.Object{URL: u.String(), Bytes: object.Size, Modified: object.ModTime})
		}
	}
}
