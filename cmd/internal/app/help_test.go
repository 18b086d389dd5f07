package app

import "testing"

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
