package app

import (
	"io"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestService names each command apart, also those that share a last word.
func TestService(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"txflow", "txflow-task"} {
		got := ""
		note := func(c *cli.Context) error {
			got = service(c)
			return nil
		}
		a := New(name, "", []*cli.Command{{Name: "classify", Action: note},
			{Name: "stream", Subcommands: []*cli.Command{{Name: "classify", Action: note}}}})
		a.Writer, a.ErrWriter = io.Discard, io.Discard
		for want, args := range map[string][]string{"txflow-classify": {name, "classify"},
			"txflow-stream-classify": {name, "stream", "classify"}} {
			if code := Main(a, args); code != 0 || got != want {
				t.Errorf("%v: exit %d, %q, want %q", args, code, got, want)
			}
		}
	}
}
