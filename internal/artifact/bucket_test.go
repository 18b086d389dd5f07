package artifact_test

import (
	"testing"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/fault"
)

// ensure makes a bucket of a server twice.
func ensure(t *testing.T, url string) {
	store := artifact.New(t.Context())
	t.Cleanup(func() { must0(t, store.Close()) })
	for i, want := range []bool{true, false} {
		if made, err := store.EnsureBucket(t.Context(), url); err != nil || made != want {
			t.Errorf("time %d: made %v, %v", i, made, err)
		}
	}
	must0(t, store.Probe(t.Context(), url))
}

func TestBucketsThatAreNotMade(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")
	store := artifact.New(t.Context())
	t.Cleanup(func() { must0(t, store.Close()) })
	for url, code := range map[string]int{"mem://bucket": fault.ExitUsage, "folder": fault.ExitUsage,
		"s3://bucket?region=us-east-1&endpoint=http://127.0.0.1:1": fault.ExitUnavailable} {
		if made, err := store.EnsureBucket(t.Context(), url); made || fault.ExitCode(err) != code {
			t.Errorf("%s: made %v, %v", url, made, err)
		}
	}
}
