package artifact_test

import (
	"os"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, elem, want string }{
		{"out", "run/a.tsv", "out/run/a.tsv"},
		{"./out/", "a", "out/a"},
		{"/out", "..", "/"},
		{"file:///out/run", "a b.tsv", "file:///out/run/a%20b.tsv"},
		{"s3://bucket?region=x&endpoint=http://h:1", "run/a", "s3://bucket/run/a?region=x&endpoint=http://h:1"},
		{"s3://bucket/dir/?region=x", "100%", "s3://bucket/dir/100%25?region=x"},
		{"gs://bucket/a/b", "../c", "gs://bucket/a/c"},
	} {
		if got := artifact.Join(c.base, c.elem); got != c.want {
			t.Errorf("Join(%q, %q) = %q, want %q", c.base, c.elem, got, c.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	wd := must(os.Getwd())(t)
	for in, want := range map[string]string{
		"a b.csv":                      "file://" + wd + "/a%20b.csv",
		"/x/../y.csv":                  "file:///y.csv",
		"file:///x/./y.csv":            "file:///x/y.csv",
		"file://localhost/x":           "file:///x",
		"s3://bucket//a/../b?z=1&a=2":  "s3://bucket/b?a=2&z=1",
		"azblob://container/key?a=%20": "azblob://container/key?a=+",
	} {
		got := must(artifact.Canonical(in))(t)
		if got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
		if again := must(artifact.Canonical(got))(t); again != got {
			t.Errorf("Canonical(%q) = %q: not stable", got, again)
		}
	}
}

// TestRefusedURLs also checks that no secret is shown.
func TestRefusedURLs(t *testing.T) {
	t.Parallel()
	store := artifact.New(t.Context())
	for _, url := range []string{
		"", "http://host/file?sig=hush", "ftp://user:hush@host/file", "s3://AKIA:hush@bucket/key", "s3:///key",
		"s3://bucket/key?endpoint=http://AKIA:hush@host", "azblob://c/key?sig=hush", "s3://b/k?X-Amz-Signature=hush",
		"s3://bucket/%zzhush", "file://host/hush", "file://", "s3://bucket", "s3://bucket/k?no_such_parameter=1",
	} {
		_, err := store.Create(t.Context(), url)
		if fault.ExitCode(err) != fault.ExitUsage {
			t.Errorf("%s: want exit code 64, got %v", url, err)
			continue
		}
		if said := err.Error() + fault.Hint(err); strings.Contains(said, "hush") && !strings.HasPrefix(url, "file:") {
			t.Errorf("%s: a secret is shown: %s", url, said)
		}
	}
}

// TestUnavailable names a server that is not there.
func TestUnavailable(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")
	store := artifact.New(t.Context())
	defer func() { must0(t, store.Close()) }()
	url := "s3://bucket/key?region=eu-west-3&endpoint=http://127.0.0.1:1"
	calls := []func() error{
		func() error { _, err := batch.WriteAll(t.Context(), store, url, []byte("x")); return err },
		func() error { _, err := batch.ReadAll(t.Context(), store, url, ""); return err },
		func() error { _, err := store.Exists(t.Context(), url); return err },
		func() error { _, err := store.Glob(t.Context(), artifact.Join(url, "*")); return err },
	}
	errs := make(chan error)
	for _, call := range calls { // at once: the SDK tries each three times
		go func() { errs <- call() }()
	}
	for range calls {
		err := <-errs
		if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(err.Error(), "s3://bucket/") {
			t.Errorf("want exit code 69 and the URL, got %v (%d)", err, fault.ExitCode(err))
		}
		if err != nil && strings.Contains(err.Error(), "very-secret-value") {
			t.Errorf("a secret is shown: %v", err)
		}
	}
}

func FuzzLocation(f *testing.F) {
	for _, s := range []string{"a", "file:///x", "s3://b/k?region=x", "s3://[::1]/k", "x://", "://", "file://%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := artifact.Canonical(s)
		if err != nil {
			if fault.ExitCode(err) != fault.ExitUsage {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := artifact.Canonical(c)
		if err != nil || again != c {
			t.Fatalf("%q → %q → %q, %v", s, c, again, err)
		}
	})
}
