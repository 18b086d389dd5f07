package client

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/secret"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n      int
		blamed []int
		want   []part
	}{
		{2, nil, []part{{0, 1}, {1, 2}}},
		{5, nil, []part{{0, 2}, {2, 5}}},
		{5, []int{2}, []part{{0, 2}, {2, 3}, {3, 5}}},
		{3, []int{0, 2}, []part{{0, 1}, {1, 2}, {2, 3}}},
		{2, []int{0, 1}, []part{{0, 1}, {1, 2}}},
	} {
		if got := cut(c.n, c.blamed); !slices.Equal(got, c.want) {
			t.Errorf("%d, %v: %v, want %v", c.n, c.blamed, got, c.want)
		}
	}
}

func TestBlamedItems(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]int{
		`{"detail":[{"loc":["body",3,"amount"]},{"loc":["body",0,"id"]},{"loc":["body",3,"id"]}]}`: {0, 3},
		`{"detail":[{"loc":["body",4]}]}`:                           {4},
		`{"detail":[{"loc":["body",5,"id"]}]}`:                      nil,
		`{"detail":[{"loc":["body",-1,"id"]}]}`:                     nil,
		`{"detail":[{"loc":["body",1.5,"id"]}]}`:                    nil,
		`{"detail":[{"loc":["body"]},{"loc":["body",1,"amount"]}]}`: nil,
		`{"detail":[{"loc":["query",1,"id"]}]}`:                     nil,
		`{"detail":"no"}`:                                           nil,
		`<html>`:                                                    nil,
		``:                                                          nil,
	} {
		if got := blamedItems([]byte(body), 5); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

func TestRefusalIsBounded(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " no \n", strings.Repeat("é", 5000), strings.Repeat("x", 2048),
		strings.Repeat("x", 2049), "\xff\xfe", strings.Repeat("\xff", 3000)} {
		r := newRefusal(422, []byte(body))
		if len(r.Message) > maxRefusal || !utf8.ValidString(r.Message) || r.Status != 422 {
			t.Errorf("%d bytes of %d", len(r.Message), len(body))
		}
	}
	if got := newRefusal(422, []byte(" no \n")).Message; got != "no" {
		t.Errorf("%q", got)
	}
}

func TestConfigTellsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{URL: secret.NewURL("localhost:8000"), MaxAttempts: -1, BackoffBase: time.Minute,
		BackoffMax: time.Second, MaxConcurrency: -1})
	if fault.ExitCode(err) != fault.ExitUsage {
		t.Fatalf("%v", err)
	}
	for _, word := range []string{"URL", "attempts", "backoff", "concurrency"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("nothing about the %s in: %v", word, err)
		}
	}
	for _, bad := range []string{"", "ftp://x", "http://", "http://x?y=1", "://"} {
		if _, err := New(Config{URL: secret.NewURL(bad)}); err == nil {
			t.Errorf("the URL %q is taken", bad)
		}
	}
}
