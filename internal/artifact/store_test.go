package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
)

func TestMain(m *testing.M) {
	killHelper()
	goleak.VerifyTestMain(m)
}

// TestStores runs one suite over the twin in memory, the disk, and an S3 server over HTTP.
func TestStores(t *testing.T) {
	t.Run("memory", func(t *testing.T) { conformance(t, "mem://twin/some/run") })
	t.Run("disk", func(t *testing.T) { conformance(t, t.TempDir()+"/some/run") })
	t.Run("file URL", func(t *testing.T) { conformance(t, "file://"+t.TempDir()+"/some/run") })
	t.Run("S3", func(t *testing.T) { conformance(t, s3Server(t)+"&use_path_style=true") })
}

// s3Server starts an S3 server with a bucket and returns a URL with its parameters. Credentials come by environment, as
// for users.
func s3Server(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")
	return "s3://bucket/some/run?region=eu-west-3&endpoint=" + server.URL
}

func conformance(t *testing.T, base string) {
	store := artifact.New(t.Context())
	t.Cleanup(func() { must0(t, store.Close()) })
	for name, test := range map[string]func(*testing.T, *artifact.Store, string){
		"round trip": roundTrip, "large": large, "nothing before commit": nothingBeforeCommit, "abort": abort,
		"cancelled": cancelled, "replace": replace, "missing": missing, "damaged": damaged, "glob": glob, "list": list,
		"twice":    twice,
		"only new": onlyNew, "tree": tree,
	} {
		t.Run(name, func(t *testing.T) { test(t, store, artifact.Join(base, strings.ReplaceAll(name, " ", "-"))) })
	}
}

func roundTrip(t *testing.T, s *artifact.Store, base string) {
	for _, content := range []string{"", "x", "a\x00b\xff\r\n", strings.Repeat("row\n", 1000)} {
		url := artifact.Join(base, "dir", "é 100%.tsv")
		a := must(batch.WriteAll(t.Context(), s, url, []byte(content)))(t)
		want := batch.Artifact{URL: url, Bytes: int64(len(content)), SHA256: digestOf(content)}
		if a != want {
			t.Fatalf("got %+v, want %+v", a, want)
		}
		if got := must(batch.ReadAll(t.Context(), s, a.URL, a.SHA256))(t); string(got) != content {
			t.Fatalf("read %q, wrote %q", got, content)
		}
		if there := must(s.Exists(t.Context(), url))(t); !there {
			t.Fatal("it does not exist")
		}
		r := must(s.OpenSource(t.Context(), url))(t)
		if got := must(io.ReadAll(r))(t); string(got) != content {
			t.Fatalf("read %q as a source, wrote %q", got, content)
		}
		must0(t, r.Close())
	}
}

// large is more than one part of an upload and more than the read-ahead.
func large(t *testing.T, s *artifact.Store, base string) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	url := artifact.Join(base, "large")
	w := must(s.Create(t.Context(), url))(t)
	defer w.Abort()
	for rest := content; len(rest) > 0; {
		n := min(len(rest), 1+len(rest)/7)
		if got, err := w.Write(rest[:n]); got != n || err != nil {
			t.Fatal(got, err)
		}
		rest = rest[n:]
	}
	a := must(w.Commit(t.Context()))(t)
	if got := must(batch.ReadAll(t.Context(), s, url, a.SHA256))(t); !bytes.Equal(got, content) {
		t.Fatal("another content came back")
	}
	r := must(s.OpenSource(t.Context(), url))(t)
	if got := must(io.ReadAll(r))(t); !bytes.Equal(got, content) {
		t.Fatal("another content came back as a source")
	}
	must0(t, r.Close())
	r = must(s.OpenSource(t.Context(), url))(t)
	must(io.ReadFull(r, make([]byte, 10)))(t)
	must0(t, r.Close()) // in the middle
}

func nothingBeforeCommit(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "slow")
	w := must(s.Create(t.Context(), url))(t)
	must(w.Write(bytes.Repeat([]byte("x"), 1<<20)))(t)
	if must(s.Exists(t.Context(), url))(t) {
		t.Fatal("seen before its commit")
	}
	if found := must(s.Glob(t.Context(), artifact.Join(base, "*")))(t); len(found) > 0 {
		t.Fatalf("listed before its commit: %v", found)
	}
	must(w.Commit(t.Context()))(t)
	w.Abort() // does nothing
	if !must(s.Exists(t.Context(), url))(t) {
		t.Fatal("not there after its commit")
	}
}

func abort(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "dropped")
	w := must(s.Create(t.Context(), url))(t)
	must(w.Write([]byte("half")))(t)
	w.Abort()
	w.Abort()
	if must(s.Exists(t.Context(), url))(t) {
		t.Fatal("there although aborted")
	}
	if _, err := w.Commit(t.Context()); err == nil {
		t.Fatal("committed although aborted")
	}
	if _, err := w.Write([]byte("more")); err == nil {
		t.Fatal("written although aborted")
	}
}

func cancelled(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "cancelled")
	ctx, cancel := context.WithCancel(t.Context())
	w := must(s.Create(ctx, url))(t)
	must(w.Write([]byte("half")))(t)
	cancel()
	if _, err := w.Commit(ctx); !errors.Is(err, context.Canceled) || fault.ExitCode(err) != fault.ExitInterrupted {
		t.Fatalf("want cancelled with its exit code, got %v (%d)", err, fault.ExitCode(err))
	}
	if must(s.Exists(t.Context(), url))(t) {
		t.Fatal("there although cancelled")
	}
	if _, err := s.Create(ctx, url); !errors.Is(err, context.Canceled) {
		t.Fatalf("created: %v", err)
	}
	if _, err := s.Open(ctx, url, ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("opened: %v", err)
	}
}

func replace(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "same")
	must(batch.WriteAll(t.Context(), s, url, []byte("a long first content")))(t)
	r := must(s.Open(t.Context(), url, ""))(t)
	must(batch.WriteAll(t.Context(), s, url, []byte("second")))(t)
	must(io.ReadAll(r))(t) // whichever it is, it is no error
	must0(t, r.Close())
	if got := must(batch.ReadAll(t.Context(), s, url, ""))(t); string(got) != "second" {
		t.Fatalf("got %q", got)
	}
}

func missing(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "no such object")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"Open":       func() (io.ReadCloser, error) { return s.Open(t.Context(), url, digestOf("")) },
		"OpenSource": func() (io.ReadCloser, error) { return s.OpenSource(t.Context(), url) },
	} {
		_, err := open()
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), url) || fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%s: want fs.ErrNotExist naming the URL with exit code 65, got %v (%d)", name, err, fault.ExitCode(err))
		}
	}
	if must(s.Exists(t.Context(), url))(t) {
		t.Error("it exists")
	}
}

func damaged(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "chunk.tsv")
	a := must(batch.WriteAll(t.Context(), s, url, []byte("the rows")))(t)
	must(batch.WriteAll(t.Context(), s, url, []byte("the row")))(t)
	got, err := batch.ReadAll(t.Context(), s, url, strings.ToUpper(a.SHA256))
	if err == nil || fault.ExitCode(err) != fault.ExitData || errors.Is(err, io.EOF) {
		t.Fatalf("want exit code 65, got %v", err)
	}
	for _, part := range []string{url, a.SHA256, digestOf("the row")} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %s", err, part)
		}
	}
	if string(got) != "the row" {
		t.Errorf("read %q", got)
	}
	r := must(s.Open(t.Context(), url, a.SHA256))(t)
	defer func() { must0(t, r.Close()) }()
	_, first := io.Copy(io.Discard, r)
	if _, again := r.Read(make([]byte, 1)); !errors.Is(again, first) || first == nil {
		t.Errorf("first %v, then %v", first, again)
	}
}
