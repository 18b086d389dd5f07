package artifact_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
)

func glob(t *testing.T, s *artifact.Store, base string) {
	for _, name := range []string{"b.csv", "a.csv", "a.tsv", "deep/c.csv"} {
		must(batch.WriteAll(t.Context(), s, artifact.Join(base, name), nil))(t)
	}
	for pattern, want := range map[string][]string{
		"*.csv": {"a.csv", "b.csv"}, "*/*.csv": {"deep/c.csv"}, "[b-z]*.csv": {"b.csv"}, "none*": {},
		"plain.csv": {"plain.csv"},
	} {
		got := must(s.Glob(t.Context(), artifact.Join(base, pattern)))(t)
		for i, name := range want {
			want[i] = artifact.Join(base, name)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
	if _, err := s.Glob(t.Context(), artifact.Join(base, "[")); fault.ExitCode(err) != fault.ExitUsage {
		t.Errorf("a broken pattern: %v", err)
	}
}

func list(t *testing.T, s *artifact.Store, base string) {
	before := time.Now().Add(-2 * time.Second) // a store counts whole seconds
	for _, name := range []string{"a.csv", "b.csv", "deep/c.csv"} {
		must(batch.WriteAll(t.Context(), s, artifact.Join(base, name), []byte(name)))(t)
	}
	for pattern, want := range map[string][]string{"*": {"a.csv", "b.csv"}, "*/*": {"deep/c.csv"}, "none*": {},
		"a.csv": {"a.csv"}} {
		got := must(s.List(t.Context(), artifact.Join(base, pattern)))(t)
		if len(got) != len(want) {
			t.Fatalf("%s: got %v, want %v", pattern, got, want)
		}
		for i, name := range want {
			if o := got[i]; o.URL != must(artifact.Canonical(artifact.Join(base, name)))(t) || o.Bytes != int64(len(name)) ||
				o.Modified.Before(before) || o.Modified.After(time.Now().Add(time.Second)) {
				t.Errorf("%s: got %+v, want %s", pattern, o, name)
			}
		}
	}
	if _, err := s.List(t.Context(), artifact.Join(base, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

func tree(t *testing.T, s *artifact.Store, base string) {
	names := []string{"run/a.tsv", "run/parts/deep/b.tsv", "run-2/c.tsv"}
	for _, name := range names {
		must(batch.WriteAll(t.Context(), s, artifact.Join(base, name), []byte(name)))(t)
	}
	urls := func(folder string) (found []string) {
		for _, o := range must(s.Tree(t.Context(), artifact.Join(base, folder)))(t) {
			if found = append(found, o.URL); o.Bytes == 0 || o.Modified.IsZero() {
				t.Errorf("got %+v", o)
			}
		}
		slices.Sort(found)
		return found
	}
	want := []string{must(artifact.Canonical(artifact.Join(base, names[0])))(t),
		must(artifact.Canonical(artifact.Join(base, names[1])))(t)}
	if got := urls("run"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := urls("none"); len(got) != 0 {
		t.Errorf("a folder that is not there: %v", got)
	}
	for range 2 { // what is gone is no error
		for _, u := range want {
			must0(t, s.Remove(t.Context(), artifact.Join(base, "run"), u))
		}
	}
	if got := urls("run"); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
	if got := urls("run-2"); len(got) != 1 {
		t.Errorf("a neighbour has %v", got)
	}
	if _, err := os.Stat(filepath.Join(base, "run")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty folder: %v", err)
	}
}
