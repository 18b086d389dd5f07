package stack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// release serves files as Jaeger's releases do, under one of their two tags.
func release(t *testing.T, tag, program, sum string) string {
	t.Helper()
	name := "jaeger-2.13.0-" + runtime.GOOS + "-" + runtime.GOARCH
	var archive bytes.Buffer
	packed := gzip.NewWriter(&archive)
	w := tar.NewWriter(packed)
	err := w.WriteHeader(&tar.Header{Name: name + "/jaeger", Mode: 0o755, Size: int64(len(program))})
	if err == nil {
		_, err = w.Write([]byte(program))
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = packed.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"/" + tag + "/" + name + ".tar.gz": archive.Bytes(),
		"/" + tag + "/" + name + ".sha256sum.txt": []byte("00 *" + name + "/example-hotrod\n" + sum + " *" + name +
			"/jaeger\n"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestJaegerIsFetched(t *testing.T) {
	t.Parallel()
	const program = "#!/bin/sh\necho pages\n"
	right := fmt.Sprintf("%x", sha256.Sum256([]byte(program)))
	for name, c := range map[string]struct {
		base, says string
		fetched    bool
	}{
		"by the new tag":             {release(t, "v2.13.0", program, right), "with its pages", true},
		"by the old tag":             {release(t, "v1.76.0", program, right), "with its pages", true},
		"another content":            {release(t, "v2.13.0", program, strings.Repeat("0", 64)), "it is not used", false},
		"no checksum":                {release(t, "v2.13.0", program, ""), "it is not used", false},
		"another release":            {release(t, "v9.9.9", program, right), "could not be fetched", false},
		"a server that is not there": {"http://127.0.0.1:1", "could not be fetched", false},
	} {
		file := filepath.Join(t.TempDir(), "tools", "jaeger")
		cmd := exec.Command("../../otel/jaeger/fetch", file, "v1.76.0", "2.13.0")
		cmd.Env = append(os.Environ(), "JAEGER_DOWNLOADS="+c.base)
		said, err := cmd.CombinedOutput()
		if (err == nil) != c.fetched || !strings.Contains(string(said), c.says) {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
		if text, err := os.ReadFile(file); c.fetched != (err == nil && string(text) == program) {
			t.Errorf("%s: the file holds %q, %v", name, text, err)
		}
		if left, _ := filepath.Glob(file + "*"); !c.fetched && len(left) > 0 {
			t.Errorf("%s: left behind are %v", name, left)
		}
	}
}
