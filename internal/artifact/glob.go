package artifact

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/txflow/txflow/internal/batch"
)

// Glob returns the URLs or paths that match a pattern of path.Match ('*' stays within a folder; in URLs '?' begins the
// parameters), sorted. What is no pattern, or a file by that very name, comes back as it is, there or not. No match is an
// empty result.
func (s *Store) Glob(ctx context.Context, pattern string) ([]string, error) {
	at, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	if at.local() {
		return globLocal(at)
	}
	return s.globObjects(ctx, at)
}

func globLocal(at location) ([]string, error) {
	if _, err := os.Lstat(at.path); err == nil || !strings.ContainsAny(at.path, `*?[`) {
		return []string{at.url}, nil
	}
	paths, err := filepath.Glob(at.path)
	if err != nil {
		return nil, batch.Failf(batch.ExitUsage, "%s: %w", at, err)
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

func (s *Store) globObjects(ctx context.Context, at location) ([]string, error) {
	meta := strings.IndexAny(at.key, `*[`)
	if meta < 0 {
		return []string{at.url}, nil
	}
	if _, err := path.Match(at.key, ""); err != nil {
		return nil, batch.Failf(batch.ExitUsage, "%s: %w", at, err)
	}
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return nil, batch.Failf(batch.ExitUsage, "%s: %w", at, err)
	}
	found := []string{}
	list := bucket.List(&blob.ListOptions{Prefix: at.key[:meta]})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.Sort(found)
			return found, nil
		}
		if err != nil {
			return nil, fail(at, "list", err)
		}
		if ok, err := path.Match(at.key, object.Key); err == nil && ok {
			u.Path, u.RawPath = "/"+object.Key, ""
			found = append(found, u.String())
		}
	}
}
