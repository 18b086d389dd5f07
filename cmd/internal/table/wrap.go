package table

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Wrap sets the words of a text in lines of width columns, the first and the others indented by so many. A longer word
// has a line of its own.
func Wrap(text string, first, other, width int) []string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return []string{""}
	}
	var out []string
	line, used := strings.Repeat(" ", first), first
	for i, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > width:
			out = append(out, line)
			line, used = strings.Repeat(" ", other), other
		default:
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(out, line)
}

// PrintText prints a text of one paragraph, in lines of Width columns.
func PrintText(w io.Writer, text string) {
	_, _ = fmt.Fprintln(w, strings.Join(Wrap(text, 0, 4, Width), "\n"))
}
