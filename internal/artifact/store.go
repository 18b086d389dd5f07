// Package artifact keeps the files between tasks, by URL: local paths and file://, s3://, gs:// and azblob:// through
// gocloud.dev/blob. An object is seen whole or not at all, its SHA-256 is taken while it is written and checked while
// it is read, and a local one survives a power cut once Commit has returned nil.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/txflow/txflow/internal/fault"

	"gocloud.dev/blob"

	"github.com/txflow/txflow/internal/batch"
)

// Store opens artifacts. It is safe for use by several goroutines; buckets are opened once, at first use.
type Store struct {
	ctx     context.Context // values without a deadline: a bucket's clients outlive the call that opened it
	mu      sync.Mutex
	buckets map[string]*blob.Bucket
	swept   map[string]bool // folders whose old temp files were looked for
}

var _ batch.Artifacts = (*Store)(nil)

// New makes a Store. Values of ctx reach the cloud clients, its cancellation does not. Close it when done.
func New(ctx context.Context) *Store {
	return &Store{ctx: context.WithoutCancel(ctx), buckets: map[string]*blob.Bucket{}, swept: map[string]bool{}}
}

// Close closes the buckets.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for name, b := range s.buckets {
		errs = append(errs, b.Close())
		delete(s.buckets, name)
	}
	return errors.Join(errs...)
}

// Create starts an object at a URL or path; folders are made. Nothing is seen before Commit. Errors carry exit codes:
// 64 for a URL that can not be used, 69 for an unavailable store, 75 for a full disk.
func (s *Store) Create(ctx context.Context, url string) (batch.ArtifactWriter, error) {
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("write %s: %w", at, err)
	}
	if at.local() {
		return s.createLocal(at)
	}
	return s.createObject(ctx, at)
}

// Open reads an object. With a sha256 (hex) the reader gives an error (exit code 65) that names the URL instead of
// io.EOF when the content is another. A missing object is fs.ErrNotExist (65 as well).
func (s *Store) Open(ctx context.Context, url, sha256 string) (io.ReadCloser, error) {
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	r, err := s.open(ctx, at, 0)
	if err != nil || sha256 == "" {
		return r, err
	}
	return newVerifier(r, at, sha256), nil
}

// OpenAt reads an object from an offset in bytes on.
func (s *Store) OpenAt(ctx context.Context, url string, offset int64) (io.ReadCloser, error) {
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, at, offset)
}

func (s *Store) open(ctx context.Context, at location, offset int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	if at.local() {
		return openLocal(at, offset)
	}
	return s.openObject(ctx, at, offset)
}

// Exists reports whether an object is there.
func (s *Store) Exists(ctx context.Context, url string) (bool, error) {
	at, err := parse(url)
	if err != nil {
		return false, err
	}
	if at.local() {
		return existsLocal(at)
	}
	b, err := s.bucket(at)
	if err != nil {
		return false, err
	}
	there, err := b.Exists(ctx, at.key)
	return there, fail(at, "look for", err)
}

// bucket opens at's bucket, or returns the one that is open.
func (s *Store) bucket(at location) (*blob.Bucket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[at.bucket]; b != nil {
		return b, nil
	}
	if err := permitted(at); err != nil {
		return nil, err
	}
	b, err := blob.OpenBucket(s.ctx, at.bucket)
	if err != nil {
		return nil, fault.Failf(fault.ExitUsage, "open the bucket of %s: %w", at, err)
	}
	s.buckets[at.bucket] = b
	return b, nil
}

// Probe reports whether artifacts can be kept below a folder or URL: a folder is written to, a bucket only asked.
func (s *Store) Probe(ctx context.Context, url string) error {
	object := batch.NewLayout(url, "probe").Root
	at, err := parse(object)
	if err != nil {
		return err
	}
	if !at.local() {
		b, err := s.bucket(at)
		if err != nil {
			return err
		}
		ok, err := b.IsAccessible(ctx)
		if err == nil && !ok {
			err = fmt.Errorf("%s can not be reached", url)
		}
		return err
	}
	w, err := s.Create(ctx, object)
	if err == nil {
		w.Abort()
	}
	return err
}
