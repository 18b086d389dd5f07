package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Artifacts keeps the files between tasks, by URL. A nil error of Commit guarantees that the object is there as a whole
// and, on disk, that it survives a power cut.
type Artifacts interface {
	// Create starts an object; nothing is seen of it before Commit. An object of that URL is replaced.
	Create(ctx context.Context, url string) (ArtifactWriter, error)
	// Open reads an object. With a sha256 (hex) the reader fails instead of io.EOF, naming the URL, when the content is
	// another. An object that is not there is fs.ErrNotExist.
	Open(ctx context.Context, url, sha256 string) (io.ReadCloser, error)
	// OpenAt reads an object from an offset in bytes on; the caller checks what it reads.
	OpenAt(ctx context.Context, url string, offset int64) (io.ReadCloser, error)
}

// ArtifactWriter writes one object.
type ArtifactWriter interface {
	io.Writer
	// Commit makes the object visible and returns its URL, size and SHA-256; Name and Rows are the caller's.
	Commit(ctx context.Context) (Artifact, error)
	// CommitNew is Commit unless an object of that URL is there already: of two writers the first wins. It returns false
	// when this one is not it.
	CommitNew(ctx context.Context) (Artifact, bool, error)
	// Abort drops what was written. After Commit it does nothing.
	Abort()
}

// Object is an entry of a listing of a folder or bucket.
type Object struct {
	URL      string
	Bytes    int64
	Modified time.Time
	Outside  bool // a local file that a link leads to, out of the folder that was listed
}

// ReadAll reads a whole object, with the checks of Open.
func ReadAll(ctx context.Context, from Artifacts, url, sha256 string) ([]byte, error) {
	r, err := from.Open(ctx, url, sha256)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	return io.ReadAll(r)
}

// WriteAll writes a whole object.
func WriteAll(ctx context.Context, to Artifacts, url string, content []byte) (Artifact, error) {
	w, err := to.Create(ctx, url)
	if err != nil {
		return Artifact{}, err
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		return Artifact{}, err
	}
	return w.Commit(ctx)
}

// WriteJSON writes v as an object of JSON.
func WriteJSON(ctx context.Context, to Artifacts, url string, v any) (Artifact, error) {
	content, err := AppendJSON(nil, v)
	if err != nil {
		return Artifact{}, fmt.Errorf("encode %s: %w", url, err)
	}
	return WriteAll(ctx, to, url, content)
}

// AppendJSON appends v as a line of JSON.
func AppendJSON(b []byte, v any) ([]byte, error) {
	content, err := json.Marshal(v)
	return append(append(b, content...), '\n'), err
}

// ReadJSON reads an object of JSON into v and checks its digest when sha256 is given.
func ReadJSON(ctx context.Context, from Artifacts, url, sha256 string, v any) error {
	content, err := ReadAll(ctx, from, url, sha256)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fault.Failf(fault.ExitData, "%s is not what this version of txflow writes: %w", url, err)
	}
	return nil
}
