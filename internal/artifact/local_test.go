package artifact_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/testtool"
)

// killHelper is the process that TestKilled kills while it writes.
func killHelper() {
	target := os.Getenv("ARTIFACT_TEST_WRITE")
	if target == "" {
		return
	}
	w, err := artifact.New(context.Background()).Create(context.Background(), target)
	for err == nil {
		if _, err = w.Write(make([]byte, 1<<20)); err == nil {
			_, err = fmt.Println("wrote")
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestKilled(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "out", "accepted.tsv")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ARTIFACT_TEST_WRITE="+target)
	stdout := must(cmd.StdoutPipe())(t)
	must0(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	for range 3 {
		if !lines.Scan() {
			t.Fatal("the helper wrote nothing")
		}
	}
	must0(t, cmd.Process.Kill())
	_ = cmd.Wait() // it says that it was killed

	if _, err := os.Stat(target); !os.IsNotExist(err) {
		t.Fatalf("the target is there: %v", err)
	}
	temps := names(t, filepath.Dir(target))
	if len(temps) != 1 || !strings.HasPrefix(temps[0], ".tmp-") || !strings.HasSuffix(temps[0], "-accepted.tsv") {
		t.Fatalf("left behind: %v", temps)
	}
	store := artifact.New(t.Context())
	must(batch.WriteAll(t.Context(), store, target, []byte("young temp files stay")))(t)
	if got := names(t, filepath.Dir(target)); len(got) != 2 {
		t.Fatalf("a temp file that may be in use was swept: %v", got)
	}
	old := time.Now().Add(-25 * time.Hour)
	must0(t, os.Chtimes(filepath.Join(filepath.Dir(target), temps[0]), old, old))
	must(batch.WriteAll(t.Context(), artifact.New(t.Context()), target, []byte("old ones go")))(t)
	if got := names(t, filepath.Dir(target)); len(got) != 1 || got[0] != "accepted.tsv" {
		t.Fatalf("not swept, or sidecar files: %v", got)
	}
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	for _, e := range must(os.ReadDir(folder))(t) {
		all = append(all, e.Name())
	}
	return all
}

func TestLocalTargets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := artifact.New(t.Context())
	must0(t, os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600))
	must0(t, os.Symlink(filepath.Join(dir, "file"), filepath.Join(dir, "link")))
	must(batch.WriteAll(t.Context(), store, filepath.Join(dir, "link"), []byte("through the link")))(t)
	if got := must(os.ReadFile(filepath.Join(dir, "file")))(t); string(got) != "through the link" {
		t.Errorf("the link's target holds %q", got)
	}
	for target, want := range map[string]string{
		dir:                               "is a directory",
		"/dev/null":                       "neither a file",
		filepath.Join(dir, "file", "sub"): "not a directory",
		filepath.Join(dir, strings.Repeat("n", 300)): "name too long",
	} {
		_, err := batch.WriteAll(t.Context(), store, target, []byte("x"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), target) ||
			fault.ExitCode(err) == fault.ExitTryAgain {
			t.Errorf("%s: want %q and no retry, got %v (%d)", target, want, err, fault.ExitCode(err))
		}
	}
	if _, err := store.Open(t.Context(), dir, ""); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("open a directory: %v", err)
	}
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, ".tmp-") {
			t.Errorf("%s is left", name)
		}
	}
}

// TestDiskFull fills a file system of one MiB.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		testtool.Missing(t, "a small file system can be mounted by root on Linux only")
	}
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		testtool.Missing(t, "a small file system can not be mounted: %v", err)
	}
	t.Cleanup(func() { must0(t, syscall.Unmount(dir, 0)) })
	store := artifact.New(t.Context())
	target := filepath.Join(dir, "chunks", "big.tsv")
	_, err := batch.WriteAll(t.Context(), store, target, make([]byte, 4<<20))
	if fault.ExitCode(err) != fault.ExitTryAgain || !strings.Contains(err.Error(), "disk full") ||
		!strings.Contains(err.Error(), target) {
		t.Fatalf("want disk full with exit code 75, got %v (%d)", err, fault.ExitCode(err))
	}
	if left := names(t, filepath.Dir(target)); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
	must(batch.WriteAll(t.Context(), store, target, []byte("fits")))(t)
}

// TestSourceFromPipe closes a source whose other end sends nothing.
func TestSourceFromPipe(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	must0(t, syscall.Mkfifo(fifo, 0o600))
	w := must(os.OpenFile(fifo, os.O_RDWR, 0))(t)
	defer func() { must0(t, w.Close()) }()
	r := must(artifact.New(t.Context()).OpenSource(t.Context(), fifo))(t)
	must(w.WriteString("id\n"))(t)
	buf := make([]byte, 10)
	if n := must(r.Read(buf))(t); string(buf[:n]) != "id\n" {
		t.Fatalf("read %q", buf[:n])
	}
	must0(t, r.Close())
	if _, err := r.Read(buf); err == nil {
		t.Fatal("read after Close")
	}
}

func BenchmarkWriteLocal(b *testing.B) {
	store, target, block := artifact.New(b.Context()), filepath.Join(b.TempDir(), "x"), make([]byte, 64<<10)
	w, err := store.Create(b.Context(), target)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	b.SetBytes(int64(len(block)))
	for i := 0; b.Loop(); i++ {
		if _, err := w.Write(block); err != nil {
			b.Fatal(err)
		}
		if i%16384 == 16383 { // keep the disk's part at 1 GiB
			w.Abort()
			if w, err = store.Create(b.Context(), target); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadVerified(b *testing.B) {
	store, target := artifact.New(b.Context()), filepath.Join(b.TempDir(), "x")
	a, err := batch.WriteAll(b.Context(), store, target, make([]byte, 64<<20))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(a.Bytes)
	buf := make([]byte, 256<<10)
	for b.Loop() {
		r, err := store.Open(b.Context(), target, a.SHA256)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(buf)
		}
		_ = r.Close()
	}
}

func BenchmarkCommitSmall(b *testing.B) {
	store, dir := artifact.New(b.Context()), b.TempDir()
	for i := 0; b.Loop(); i++ {
		if _, err := batch.WriteAll(b.Context(), store, filepath.Join(dir, fmt.Sprint(i)), make([]byte, 20<<10)); err != nil {
			b.Fatal(err)
		}
	}
}

// A folder that is not there is an error rather than an empty one: its name may be mistyped.
func TestListTellsAFolderThatIsNotThere(t *testing.T) {
	s := artifact.New(t.Context())
	if _, err := s.List(t.Context(), t.TempDir()+"/nowhere/*"); !errors.Is(err, fs.ErrNotExist) ||
		fault.ExitCode(err) != fault.ExitData {
		t.Errorf("got %v", err)
	}
}
