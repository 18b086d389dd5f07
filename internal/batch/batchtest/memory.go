// Package batchtest is the in-memory twin of the artifacts, for tests of the tasks.
package batchtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
)

// Memory keeps artifacts in memory. The zero value is ready.
type Memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// Create implements batch.Artifacts.
func (m *Memory) Create(_ context.Context, url string) (batch.ArtifactWriter, error) {
	return &writer{memory: m, url: url}, nil
}

// Open implements batch.Artifacts. A wrong digest is an error at once rather than at the end.
func (m *Memory) Open(_ context.Context, url, want string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.objects[url]
	if !ok {
		return nil, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
	}
	if got := digest(content); want != "" && got != want {
		return nil, fault.Failf(fault.ExitData, "%s is damaged: its SHA-256 is %s, not %s", url, got, want)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// OpenAt implements batch.Artifacts.
func (m *Memory) OpenAt(ctx context.Context, url string, offset int64) (io.ReadCloser, error) {
	r, err := m.Open(ctx, url, "")
	if err == nil {
		if _, err = io.CopyN(io.Discard, r, offset); errors.Is(err, io.EOF) {
			err = nil // as in a file: there is nothing to read
		}
	}
	return r, err
}

// OpenSource implements source.Opener.
func (m *Memory) OpenSource(ctx context.Context, url string) (io.ReadCloser, error) {
	return m.Open(ctx, url, "")
}

// Get returns an object's content, nil when there is none.
func (m *Memory) Get(url string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.objects[url]
}

// Put replaces an object.
func (m *Memory) Put(url string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[url] = content
}

// URLs lists what there is.
func (m *Memory) URLs() (urls []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for url := range m.objects {
		urls = append(urls, url)
	}
	return urls
}

type writer struct {
	memory *Memory
	url    string
	buf    bytes.Buffer
}

func (w *writer) Write(p []byte) (int, error) { return w.buf.Write(p) }

func (w *writer) Commit(context.Context) (batch.Artifact, error) {
	content := bytes.Clone(w.buf.Bytes())
	if content == nil {
		content = []byte{}
	}

	w.memory.Put(w.url, content)
	return batch.Artifact{URL: w.url, Bytes: int64(len(content)), SHA256: digest(content)}, nil
}

func (w *writer) CommitNew(ctx context.Context) (batch.Artifact, bool, error) {
	if w.memory.Get(w.url) != nil {
		return batch.Artifact{}, false, nil
	}
	a, err := w.Commit(ctx)
	return a, true, err
}

func (w *writer) Abort() { w.buf.Reset() }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
