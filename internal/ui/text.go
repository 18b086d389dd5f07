package ui

import (
	"fmt"
	"html/template"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text on a page is what somebody else wrote: merchants name themselves. Control characters, characters that reorder
// text or have no width, and bytes that are no UTF-8 are shown as escapes of Go's (\n, \u202e), set apart;
// html/template escapes the rest.

// shortText is how many characters of a text a table shows.
const shortText = 120

// hidden are characters that a reader would not see, or that change what stands around them.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) || r == '\u00ad' ||
		r == '\u034f' || r == '\u3164'
}

// plain is a text with its hidden characters as escapes, for attributes and titles.
func plain(s string) string {
	var b strings.Builder
	pieces(s, func(text string, escape bool) {
		if escape {
			text = escaped(text)
		}
		b.WriteString(text)
	})
	return b.String()
}

// text is a text for people, isolated from the direction of what stands around it, and cut where it is long.
func text(s string) template.HTML { return shown(s, shortText, hidden) }

// fullText is all of a text.
func fullText(s string) template.HTML { return shown(s, len(s), hidden) }

// rawText is all of a message or row, with its lines and tabs.
func rawText(s string) template.HTML {
	return shown(s, len(s), func(r rune) bool { return hidden(r) && r != '\n' && r != '\t' })
}

func shown(s string, most int, hide func(rune) bool) template.HTML {
	rest := 0
	if n := utf8.RuneCountInString(s); n > most {
		rest = n - most
		s = string([]rune(s)[:most])
	}
	var b strings.Builder
	b.WriteString("<bdi>")
	piecesOf(s, hide, func(text string, escape bool) {
		if escape {
			_, _ = fmt.Fprintf(&b, `<span class="esc">%s</span>`, template.HTMLEscapeString(escaped(text)))
			return
		}
		b.WriteString(template.HTMLEscapeString(text))
	})
	b.WriteString("</bdi>")
	if rest > 0 {
		_, _ = fmt.Fprintf(&b, ` <span class="dim">… %s more characters</span>`, thousands(int64(rest)))
	}
	return template.HTML(b.String()) // every piece is escaped above
}

func pieces(s string, emit func(text string, escape bool)) { piecesOf(s, hidden, emit) }

// piecesOf cuts a text into what can be shown and single characters that can not.
func piecesOf(s string, hide func(rune) bool, emit func(text string, escape bool)) {
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || hide(r) {
			if start < i {
				emit(s[start:i], false)
			}
			emit(s[i:i+size], true)
			start = i + size
		}
		i += size
	}
	if start < len(s) {
		emit(s[start:], false)
	}
}

func escaped(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	quoted := strconv.QuoteToASCII(s)
	if quoted = quoted[1 : len(quoted)-1]; quoted == s || r == utf8.RuneError && size == 1 {
		return fmt.Sprintf(`\x%02x`, s[0])
	}
	return quoted
}

// thousands writes a count with separators.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	return sign + grouped(digits)
}

func grouped(digits string) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// money writes an exact decimal with separators and at least two decimals.
func money(decimal string) string {
	sign := ""
	if strings.HasPrefix(decimal, "-") {
		sign, decimal = "−", decimal[1:]
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	fraction = strings.TrimRight(fraction, "0")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return sign + grouped(whole) + "." + fraction
}

// cents writes a decimal with two decimals, rounded half away from zero: for tables of sums. The exact one is in CSV
// and JSON.
func cents(decimal string) string {
	whole, fraction, _ := strings.Cut(decimal, ".")
	var n big.Int
	const kept, digits = 2, 4
	if _, ok := n.SetString(strings.TrimPrefix(whole, "-")+(fraction + "0000")[:digits], 10); !ok {
		return decimal
	}
	n.Add(&n, big.NewInt(50)).Div(&n, big.NewInt(100))
	text := n.String()
	for len(text) <= kept {
		text = "0" + text
	}
	sign := ""
	if strings.HasPrefix(decimal, "-") && n.Sign() != 0 {
		sign = "−"
	}
	return sign + grouped(text[:len(text)-kept]) + "." + text[len(text)-kept:]
}

// figure writes a sum for a tile: with cents while that is short.
func figure(d decimalText) string {
	const most = 15
	if text := cents(string(zero(d))); utf8.RuneCountInString(text) <= most {
		return text
	}
	return compact(d.Float())
}

// compact writes a number in few characters, for charts: 12, 1.2k, 3.4M.
func compact(n float64) string {
	sign := ""
	if n < 0 {
		sign, n = "−", -n
	}
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= u.size*0.9995 {
			return sign + strings.TrimSuffix(strconv.FormatFloat(n/u.size, 'f', decimals(n/u.size), 64), ".0") + u.name
		}
	}
	return sign + strings.TrimSuffix(strconv.FormatFloat(n, 'f', decimals(n), 64), ".0")
}

func decimals(n float64) int {
	if n < 99.95 && n != float64(int64(n)) {
		return 1
	}
	return 0
}

// duration writes a time span in at most two units.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "–"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}

// ago says how long before now a moment was, roughly.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "in " + ago(t, now)[:len(ago(t, now))-len(" ago")]
	case d < time.Second:
		return "0 s ago"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/day)
}

// moment is a time in UTC, which the script of the page adds the reader's own to.
func moment(t time.Time) template.HTML {
	if t.IsZero() || t.Unix() == 0 {
		return `<span class="dim">–</span>`
	}
	t = t.UTC()
	// digits
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339Nano), t.Format(time.DateTime)))
}

// notFormula puts an apostrophe before text that a spreadsheet would run.
func notFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// shellQuote writes a text as one word of a shell: hidden characters as escapes of bash and zsh, so that they can be
// seen and copied. A NUL can stand in no word: ok is false.
func shellQuote(s string) (word string, ok bool) {
	ok = !strings.Contains(s, "\x00")
	plainWord := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r)
	}
	switch {
	case s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plainWord(r) }):
		return s, ok
	case utf8.ValidString(s) && !strings.ContainsFunc(s, hidden):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", ok
	}
	var b strings.Builder
	b.WriteString("$'")
	piecesOf(s, hidden, func(text string, escape bool) {
		if escape {
			text = shellEscape(text)
		} else {
			text = strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text)
		}
		b.WriteString(text)
	})
	b.WriteString("'")
	return b.String(), ok
}

// shellEscape writes a character by its bytes, in octal: digits that follow can not be taken for a part of it.
func shellEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		_, _ = fmt.Fprintf(&b, `\%03o`, s[i])
	}
	return b.String()
}
