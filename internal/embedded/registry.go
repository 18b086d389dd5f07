package embedded

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/httpserve"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/internal/sameorigin"
)

// registry is a Schema Registry at a fixed address. srfake keeps schemas in memory; every request that changed them is
// kept in a journal and made again at the next start, in the same order, so that schemas keep their ids.
type registry struct {
	url     string
	inner   *srfake.Registry
	server  *http.Server
	served  chan error
	mu      sync.Mutex // one change at a time, so that the journal has their order
	journal *os.File
}

// change is a line of the journal.
type change struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   string `json:"body,omitempty"`
}

// maxSchema bounds a request's body.
const maxSchema = 4 << 20

func startRegistry(ctx context.Context, addr, dir string) (*registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Fail(fault.ExitUnavailable, err)
	}
	if !httpserve.Loopback(addr) {
		return nil, fault.Failf(fault.ExitUsage, "the embedded Schema Registry has no password and listens on 127.0.0.1 "+
			"only, not on %s", addr)
	}
	l, err := listen(ctx, "the Schema Registry", addr)
	if err != nil {
		return nil, err
	}
	r := &registry{url: "http://" + l.Addr().String(), inner: srfake.New(), served: make(chan error, 1)}
	if err := r.replay(ctx, filepath.Join(dir, "journal.ndjson")); err != nil {
		r.inner.Close()
		return nil, errors.Join(fault.Fail(fault.ExitData, fmt.Errorf("the Schema Registry's journal: %w", err)), l.Close())
	}
	r.server = webServer(sameorigin.Handler(r))
	r.server.ReadTimeout = 30 * time.Second
	go func() { r.served <- r.server.Serve(l) }()
	return r, nil
}

// replay makes the changes of the journal again and opens it for more. A last line that a kill cut off was never
// answered for, and is dropped.
func (r *registry) replay(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	r.journal = f
	lines, whole := bufio.NewReader(f), int64(0)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("%s, byte %d: %w", path, whole, err)
		}
		if status, _, _, err := r.forward(ctx, c); err != nil || status >= 300 {
			return fmt.Errorf("%s, byte %d: status %d: %w", path, whole, status, err)
		}
		whole += int64(len(line))
	}
	if err := f.Truncate(whole); err != nil {
		return err
	}
	_, err = f.Seek(whole, io.SeekStart)
	return err
}

// forward makes a request of srfake.
func (r *registry) forward(ctx context.Context, c change) (status int, header http.Header, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, c.Method, r.inner.URL()+c.Path, strings.NewReader(c.Body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxSchema))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	c := change{Method: req.Method, Path: req.URL.RequestURI(), Body: string(content)}
	changes := req.Method == http.MethodPut || req.Method == http.MethodDelete ||
		req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/versions")
	if changes {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	status, header, body, err := r.forward(req.Context(), c)
	if err == nil && changes && status < 300 {
		err = r.keep(c)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", header.Get("Content-Type"))
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body)) // an error means that the client is gone
}

func (r *registry) keep(c change) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if _, err := r.journal.Write(append(line, '\n')); err != nil {
		return err
	}
	return r.journal.Sync()
}

func (r *registry) close() error {
	err := r.server.Close()
	<-r.served //nolint:errcheck // it ended because it was stopped
	r.inner.Close()
	return errors.Join(err, r.journal.Close())
}
