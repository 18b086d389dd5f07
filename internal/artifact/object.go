package artifact

import (
	"context"
	"errors"
	"io"

	"gocloud.dev/blob"

	"github.com/txflow/txflow/internal/batch"
)

// objectWriter uploads to a bucket: the store shows an object when its upload is complete, never before.
type objectWriter struct {
	digest
	at     location
	blob   *blob.Writer // nil once committed or aborted
	cancel context.CancelFunc
}

func (s *Store) createObject(ctx context.Context, at location) (batch.ArtifactWriter, error) {
	if at.key == "" {
		return nil, batch.Failf(batch.ExitUsage, "write %s: it names a bucket but no object in it", at)
	}
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	b, err := bucket.NewWriter(ctx, at.key, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		cancel()
		return nil, fail(at, "write", err)
	}
	w := &objectWriter{at: at, blob: b, cancel: cancel}
	w.start(b)
	return w, nil
}

// Write takes bytes into the buffer; errors of the store may come with a later call.
func (w *objectWriter) Write(p []byte) (int, error) {
	if w.blob == nil {
		return 0, errClosed(w.at)
	}
	n, err := w.digest.Write(p)
	return n, fail(w.at, "write", err)
}

// Commit ends the upload.
func (w *objectWriter) Commit(ctx context.Context) (batch.Artifact, error) {
	if w.blob == nil {
		return batch.Artifact{}, errClosed(w.at)
	}
	defer w.Abort()
	err := ctx.Err()
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return batch.Artifact{}, fail(w.at, "write", err)
	}
	stop := context.AfterFunc(ctx, w.cancel) // the upload's own context is that of Create
	err = w.blob.Close()
	stop()
	w.blob = nil
	w.cancel()
	if err != nil {
		return batch.Artifact{}, fail(w.at, "write", errors.Join(err, ctx.Err()))
	}
	return w.artifact(w.at), nil
}

// Abort cancels the upload.
func (w *objectWriter) Abort() {
	if w.blob == nil {
		return
	}
	w.cancel()
	_ = w.blob.Close() // after cancel it drops what was sent
	w.blob = nil
}

func (s *Store) openObject(ctx context.Context, at location) (io.ReadCloser, error) {
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	r, err := bucket.NewReader(ctx, at.key, nil)
	if err != nil {
		return nil, fail(at, "read", err)
	}
	return &objectReader{at, r}, nil
}

type objectReader struct {
	at   location
	blob *blob.Reader
}

// Read names the artifact in errors.
func (r *objectReader) Read(p []byte) (int, error) {
	n, err := r.blob.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fail(r.at, "read", err)
	}
	return n, err
}

// Close ends the download.
func (r *objectReader) Close() error { return r.blob.Close() }
