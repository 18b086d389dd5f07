package artifact

import (
	"context"
	"io"

	"github.com/txflow/txflow/internal/fault"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/txflow/txflow/internal/batch"
)

// spoolBytes is how much of an object waits in memory before its upload begins: only an upload that has not begun can
// still be made to depend on the object's absence. It is about what a part of an upload takes anyway.
const spoolBytes = 8 << 20

// objectWriter uploads to a bucket: the store shows an object when its upload is complete, never before.
type objectWriter struct {
	digest
	at     location
	bucket *blob.Bucket
	ctx    context.Context // of the upload: it lives from Create to Commit
	cancel context.CancelFunc
	spool  []byte
	upload *blob.Writer // nil until it has begun
	closed bool
}

func (s *Store) createObject(ctx context.Context, at location) (batch.ArtifactWriter, error) {
	if at.key == "" {
		return nil, fault.Failf(fault.ExitUsage, "write %s: it names a bucket but no object in it", at)
	}
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	w := &objectWriter{at: at, bucket: bucket}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.start((*spooler)(w))
	return w, nil
}

// spooler is the end of the writer that the buffer and the digest flow into.
type spooler objectWriter

func (s *spooler) Write(p []byte) (int, error) {
	if s.upload == nil && len(s.spool)+len(p) <= spoolBytes {
		s.spool = append(s.spool, p...)
		return len(p), nil
	}
	if err := s.begin(false); err != nil {
		return 0, err
	}
	return s.upload.Write(p)
}

// begin starts the upload, if it has not begun, with what is spooled.
func (s *spooler) begin(onlyNew bool) error {
	if s.upload != nil {
		return nil
	}
	upload, err := s.bucket.NewWriter(s.ctx, s.at.key, &blob.WriterOptions{ContentType: "application/octet-stream",
		IfNotExist: onlyNew})
	if err != nil {
		return err
	}
	s.upload = upload
	_, err = upload.Write(s.spool)
	s.spool = nil
	return err
}

// Write takes bytes into the buffer; errors of the store may come with a later call.
func (w *objectWriter) Write(p []byte) (int, error) {
	if w.closed {
		return 0, errClosed(w.at)
	}
	n, err := w.digest.Write(p)
	return n, fail(w.at, "write", err)
}

// Commit ends the upload.
func (w *objectWriter) Commit(ctx context.Context) (batch.Artifact, error) {
	if w.closed {
		return batch.Artifact{}, errClosed(w.at)
	}
	defer w.Abort()
	if err := w.finish(ctx, false); err != nil {
		return batch.Artifact{}, fail(w.at, "write", err)
	}
	return w.artifact(w.at), nil
}

// CommitNew ends the upload on the condition that no object of that key is there, which the store itself checks. It is
// for objects of up to 8 MiB.
func (w *objectWriter) CommitNew(ctx context.Context) (batch.Artifact, bool, error) {
	if w.closed {
		return batch.Artifact{}, false, errClosed(w.at)
	}
	defer w.Abort()
	if w.upload != nil {
		return batch.Artifact{}, false,
			fault.Failf(fault.ExitFault, "write %s: an object to be written once may have %d bytes at most", w.at, spoolBytes)
	}
	err := w.finish(ctx, true)
	if err == nil {
		return w.artifact(w.at), true, nil
	}
	// S3 answers a race of two conditional writes by a conflict, which is as much as "there already" once it is there.
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return batch.Artifact{}, false, nil
	}
	if there, errExists := w.bucket.Exists(ctx, w.at.key); errExists == nil && there && ctx.Err() == nil {
		return batch.Artifact{}, false, nil
	}
	return batch.Artifact{}, false, fail(w.at, "write", err)
}

func (w *objectWriter) finish(ctx context.Context, onlyNew bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, w.cancel)() // the upload's own context is that of Create
	if err := w.Flush(); err != nil {
		return err
	}
	if err := (*spooler)(w).begin(onlyNew); err != nil {
		return err
	}
	err := w.upload.Close()
	w.upload = nil
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Abort cancels the upload.
func (w *objectWriter) Abort() {
	w.closed = true
	w.cancel()
	if w.upload != nil {
		_ = w.upload.Close() // after cancel it drops what was sent
		w.upload = nil
	}
	w.spool = nil
}

func (s *Store) openObject(ctx context.Context, at location, offset int64) (io.ReadCloser, error) {
	bucket, err := s.bucket(at)
	if err != nil {
		return nil, err
	}
	r, err := bucket.NewRangeReader(ctx, at.key, offset, -1, nil)
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
	if err != nil && err != io.EOF { //nolint:errorlint // a connection that was cut may wrap it, and is no end
		err = fail(r.at, "read", err)
	}
	return n, err
}

// Close ends the download.
func (r *objectReader) Close() error { return r.blob.Close() }
