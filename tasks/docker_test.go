package tasks_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/testtool"
)

// hardened is how a task is run: without root, privileges, a file system to write on or the memory for a whole file.
var hardened = []string{"run", "--rm", "--network=host", "--read-only", "--tmpfs=/tmp", "--memory=256m",
	"--memory-swap=256m", "--pids-limit=128", "--cap-drop=ALL", "--security-opt=no-new-privileges"}

// images are the task images, built by the Makefile under a tag that is this test's own.
type images struct {
	t   *testing.T
	tag string
}

// buildImages needs an engine. Without one the test is skipped, loudly; where TXFLOW_REQUIRE_TOOLS is set it fails.
func buildImages(t *testing.T) images {
	t.Helper()
	if said, err := exec.Command("docker", "version", "--format={{.Server.Version}}").CombinedOutput(); err != nil {
		testtool.Missing(t, "no Docker engine answers: %v\n%s", err, said)
	}
	i := images{t, fmt.Sprintf("test-%d", os.Getpid())}
	if said, err := exec.Command("make", "-C", "..", "images", "VERSION="+i.tag,
		"IMAGE_TAGS="+i.tag).CombinedOutput(); err != nil {
		t.Fatalf("make images: %v\n%s", err, said)
	}
	t.Cleanup(func() { i.docker(append([]string{"rmi", "--force"}, i.all()...)...) })
	return i
}

// all are the names of the images that were built.
func (i images) all() []string {
	return strings.Fields(i.docker("images", "--filter=reference=txflow/*:"+i.tag, "--format={{.Repository}}:{{.Tag}}"))
}

// docker runs a command that must succeed and returns its output.
func (i images) docker(args ...string) string {
	i.t.Helper()
	said, err := exec.Command("docker", args...).Output()
	if err != nil {
		i.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, errorOutput(err))
	}
	return string(said)
}

// task runs an image with options of docker run, and returns its manifest, its logs and its exit code.
func (i images) task(name string, options []string, args ...string) (m batch.Manifest, logs string, code int) {
	i.t.Helper()
	line := append(append(append([]string{}, hardened...), options...), "txflow/"+name+":"+i.tag)
	stdout, err := exec.Command("docker", append(line, args...)...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		must(i.t, err)
	}
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &m); err != nil {
		i.t.Fatalf("%s: exit %d, and the last line of stdout is no manifest: %v\n%s%s", name, code, err, stdout,
			errorOutput(err))
	}
	return m, errorOutput(err), code
}

func errorOutput(err error) string {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

// content is what an image is made of.
type content struct {
	files      []string // of all layers: mode, owner, path
	compressed int64    // bytes that a registry would keep
}

// open reads an image as docker save gives it.
func (i images) open(image string) (c content) {
	i.t.Helper()
	save := exec.Command("docker", "save", image)
	archive, err := save.StdoutPipe()
	must(i.t, err)
	must(i.t, save.Start())
	parts := map[string][]byte{}
	eachFile(i.t, archive, func(h *tar.Header, r io.Reader) {
		parts[h.Name], err = io.ReadAll(r)
		must(i.t, err)
	})
	must(i.t, save.Wait())
	var manifest []struct{ Layers []string }
	must(i.t, json.Unmarshal(parts["manifest.json"], &manifest))
	for _, name := range manifest[0].Layers {
		layer := parts[name]
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(layer)
		must(i.t, errors.Join(err, w.Close()))
		c.compressed += int64(packed.Len())
		eachFile(i.t, bytes.NewReader(layer), func(h *tar.Header, _ io.Reader) {
			c.files = append(c.files, fmt.Sprintf("%s %d:%d %s", h.FileInfo().Mode(), h.Uid, h.Gid, h.Name))
		})
	}
	return c
}

func eachFile(t *testing.T, archive io.Reader, do func(h *tar.Header, r io.Reader)) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, archive) // or docker would be stopped by a closed pipe
			must(t, err)
			return
		}
		must(t, err)
		do(h, r)
	}
}
