package app

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFlagsFirst(t *testing.T) {
	a := &cli.App{
		Flags: []cli.Flag{&cli.StringFlag{Name: "log-level"}},
		Commands: []*cli.Command{
			{Name: "lineage", Flags: []cli.Flag{&cli.StringFlag{Name: "source", Aliases: []string{"s"}},
				&cli.BoolFlag{Name: "json"}, &cli.IntFlag{Name: "index"}}},
			{Name: "data", Subcommands: []*cli.Command{{Name: "generate", Flags: []cli.Flag{&cli.IntFlag{Name: "rows"}}}}},
		},
	}
	for in, want := range map[string]string{
		"lineage 1 --source real":            "lineage --source real 1",
		"lineage 1 --json 2 -s x":            "lineage --json -s x 1 2",
		"lineage --source=real 1 --json":     "lineage --source=real --json 1",
		"lineage - --index -1":               "lineage --index -1 -",
		"lineage 1 -- --source x":            "lineage -- 1 --source x",
		"lineage 1 --json -- -x":             "lineage --json -- 1 -x",
		"--log-level debug lineage 1 --json": "--log-level debug lineage --json 1",
		"data generate --rows 5":             "data generate --rows 5",
		"data generate x --rows 5":           "data generate --rows 5 x",
		"lineage 1 --unknown 2":              "lineage --unknown 1 2",
		"lineage 1 --source":                 "lineage --source 1",
		"lineage --help":                     "lineage --help",
		"nothing --json":                     "nothing --json",
		"":                                   "",
	} {
		args := append([]string{"txflow"}, strings.Fields(in)...)
		if got := strings.Join(flagsFirst(a, args)[1:], " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
