package app

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFitHelp(t *testing.T) {
	t.Parallel()
	const text = `NAME:
   x - does one thing and then another

DESCRIPTION:
   The first line
   and the second one of a paragraph.

      x --an-example that is longer than a line has room
   A second paragraph – with a wide sign.

OPTIONS:
   --a N                                              number N of what is counted, as often as it is (default: 3) [$A]
   --name-of-a-flag LONG [ --name-of-a-flag LONG ]    many of them, each LONG
   --help, -h                                         show help
`
	const want = `NAME:
   x - does one thing and then another

DESCRIPTION:
   The first line and the second one of
   a paragraph.

      x --an-example that is longer than a line has room
   A second paragraph – with a wide
   sign.

OPTIONS:
   --a N       number N of what is
               counted, as often as it
               is (default: 3) [$A]
   --name-of-a-flag LONG [ --name-of-a-flag LONG ]
               many of them, each LONG
   --help, -h  show help
`
	if got := fitHelp(text, 39); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestGroupsInOrder: the help of an application has the groups of its commands in the order of the commands.
func TestGroupsInOrder(t *testing.T) {
	var out strings.Builder
	a := New("txflow", "test", []*cli.Command{{Name: "run", Category: "Start"}, {Name: "ask", Category: "Query"},
		{Name: "demo", Category: "Start"}, {Name: "init", Category: "Deploy"}})
	a.Writer = &out
	if err := a.Run([]string{"txflow", "--help"}); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^ +(?:[A-Z]\w+:|run|ask|demo|init|help)`)
	want := []string{"   help", "   Start:", "     run", "     demo", "   Query:", "     ask", "   Deploy:", "     init"}
	if got := names.FindAllString(out.String(), -1); !slices.Equal(got, want) {
		t.Errorf("%q\n%s", got, out.String())
	}
}
