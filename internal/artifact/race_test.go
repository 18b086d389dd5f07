package artifact_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
)

// twice has several writers of one URL at once: the object is one of theirs, whole.
func twice(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "raced")
	done := make(chan error)
	for i := range 8 {
		go func() {
			_, err := batch.WriteAll(t.Context(), s, url, bytes.Repeat([]byte{byte('a' + i)}, 100_000))
			done <- err
		}()
	}
	for range 8 {
		must0(t, <-done)
	}
	got := must(batch.ReadAll(t.Context(), s, url, ""))(t)
	if len(got) != 100_000 || bytes.Count(got, got[:1]) != len(got) {
		t.Fatal("a mix of two writers")
	}
}

// onlyNew has several writers who want to be the first: one of them is.
func onlyNew(t *testing.T, s *artifact.Store, base string) {
	url := artifact.Join(base, "part.json")
	type result struct {
		first bool
		got   batch.Artifact
		err   error
	}
	done := make(chan result)
	for i := range 8 {
		go func() {
			w, err := s.Create(t.Context(), url)
			if err != nil {
				done <- result{err: err}
				return
			}
			defer w.Abort()
			_, errWrite := w.Write(bytes.Repeat([]byte{byte('a' + i)}, 100_000))
			a, first, err := w.CommitNew(t.Context())
			done <- result{first, a, errors.Join(errWrite, err)}
		}()
	}
	winners := 0
	var won batch.Artifact
	for range 8 {
		r := <-done
		must0(t, r.err)
		if r.first {
			winners, won = winners+1, r.got
		}
	}
	if winners != 1 {
		t.Fatalf("%d winners", winners)
	}
	must(batch.ReadAll(t.Context(), s, url, won.SHA256))(t)
}
